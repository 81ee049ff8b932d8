//! Enrolment as the writer's thread carries it out.

use msap_shared::io::enrol::{Enrolled, Request};
use msap_shared::io::join_code::JoinCode;

use super::{Handle, Stopping};
use crate::enrol::{BoxFuture, EnrolDenied, Registrar, enrol_in, exclude_replaced};

impl Registrar for Handle {
    fn enrol(&self, request: Request) -> BoxFuture<'_, Result<Enrolled, EnrolDenied>> {
        let (keys, address) = (self.keys.clone(), self.advertise.clone());
        Box::pin(async move {
            let enrolled = self.manage(move |core, now| {
                let enrolled = core.store().write(|conn, _| enrol_in(conn, &keys, &request, &address, now))?;
                exclude_replaced(core, &keys, &JoinCode::secret_hash(&request.secret), now);
                Ok(enrolled)
            });
            enrolled.await.map_err(|Stopping| EnrolDenied::Unavailable)?
        })
    }
}

//! A hub's database file as the interface sees it, without a hub.

use super::*;

/// Reads on a connection of its own each time.
#[derive(Clone)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) writer: bool,
    pub(super) almanac: Arc<Almanac>,
}

impl Views for File {
    async fn read<T, F>(&self, _: Lane, f: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        Ok(f(&Connection::open(&self.path).map_err(StoreError::sqlite("opening"))?)?)
    }

    async fn change<T, F>(&self, who: Who, f: F) -> Option<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Core, Timestamp) -> T + Send + 'static,
    {
        let store = Store::open(self.path.parent()?, None, Box::new(rand::random::<[u8; 16]>)).unwrap();
        let mut core = Core::new(store, crate::ask::hub_zone(), Revocations::default());
        Some(core.on_behalf(who, |core| f(core, Timestamp::now())))
    }

    fn almanac(&self) -> &Arc<Almanac> {
        &self.almanac
    }

    fn trouble(&self) -> Option<&'static str> {
        (!self.writer).then_some("the writer does not answer")
    }
}

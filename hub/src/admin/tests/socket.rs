//! Claims about the socket by which commands reach a hub that runs.

use super::super::socket;
use super::*;

#[derive(Clone)]
struct Echo;

impl socket::Administration for Echo {
    async fn carry_out(&self, asked: Asked) -> Result<Reply, Failure> {
        match asked.request {
            Request::Look(Look::Tokens) => Ok(Reply::Tokens(Vec::new())),
            Request::Change(Change::SiteImport { list }) => {
                Err(Failure::new(Exit::Invalid, list.text.len().to_string()))
            }
            _ => Ok(Reply::Done),
        }
    }
}

#[tokio::test]
async fn a_command_reaches_the_hub_through_its_socket() {
    use crate::client::{Lock, Way, ask, way};
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let lock = Lock::take(dir.path()).unwrap();
    // What a hub that died has left behind.
    std::fs::write(dir.path().join(socket::NAME), "").unwrap();
    let bound = socket::Socket::bind(dir.path()).unwrap();
    let mode = std::fs::metadata(dir.path().join(socket::NAME)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let stop = tokio_util::sync::CancellationToken::new();
    let served = tokio::spawn(bound.serve(Echo, stop.clone()));

    let send = async |request: Request| {
        let Way::Running(stream) = way(dir.path(), Lang::Fr).await.unwrap() else { panic!("the lock is held") };
        ask(stream, &Asked { lang: Lang::Fr, request }, dir.path()).await
    };
    assert_eq!(send(Request::Look(Look::Tokens)).await, Ok(Reply::Tokens(Vec::new())));
    let large = "x".repeat(3_000_000);
    let refused = send(Request::Change(Change::SiteImport { list: list(&large) })).await;
    assert_eq!(refused, Err(Failure::new(Exit::Invalid, "3000000")));

    stop.cancel();
    served.await.unwrap();
    assert!(!dir.path().join(socket::NAME).exists());
    drop(lock);
    assert!(matches!(way(dir.path(), Lang::Fr).await, Ok(Way::Alone(_))));
}

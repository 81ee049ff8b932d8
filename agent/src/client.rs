//! The command line's way to the running agent: its loopback HTTP.
//!
//! The address is in `endpoint` of the data directory. Only the agent that holds the directory's
//! lock is spoken to: after a crash the address may belong to another program, or to another
//! site's agent, which must not be given this site's visits.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{lock, out, store};

/// The file with the address, in the data directory.
pub const ENDPOINT_FILE: &str = "endpoint";

/// Longest wait for the answer to a command.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// An answer that takes longer is remarked on: nobody waits before a silent command.
const SLOW: Duration = Duration::from_secs(3);
/// Longest answer: a month of taps is far below.
const ANSWER_LEN_MAX: usize = 16 * 1024 * 1024;

/// Why the agent did not carry out a request.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No site yet: exit 5.
    #[error("{data} does not belong to a site yet")]
    NotJoined {
        /// The data directory.
        data: PathBuf,
    },
    /// Exit 3.
    #[error("the agent of {data} is not running")]
    NotRunning {
        /// The data directory.
        data: PathBuf,
    },
    /// The agent was reached, but its answer was not: the command may have been carried out.
    #[error("the connection to the agent broke")]
    Broken(#[source] BrokenError),
    /// The agent said why not.
    #[error("{detail}")]
    Problem {
        /// The HTTP status.
        status: StatusCode,
        /// The field it is about.
        field: Option<String>,
        /// Why, in words.
        detail: String,
    },
}

/// How a connection broke.
#[derive(Debug, thiserror::Error)]
pub enum BrokenError {
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The HTTP exchange failed.
    #[error(transparent)]
    Http(#[from] hyper::Error),
    /// Built wrongly, or not readable as an answer.
    #[error("the exchange is not of the form agreed on")]
    Form,
    /// No answer in time.
    #[error("no answer within {}", .0.as_secs())]
    Late(Duration),
}

/// A running agent.
#[derive(Clone, Debug)]
pub struct Client {
    data: PathBuf,
    address: SocketAddr,
    /// What to say when an answer takes long.
    slow: Option<&'static str>,
}

impl Client {
    /// Finds the agent of a data directory.
    ///
    /// # Errors
    /// [`ClientError::NotJoined`] or [`ClientError::NotRunning`].
    pub fn find(data: &Path) -> Result<Self, ClientError> {
        if !data.join(store::FILE_NAME).exists() {
            return Err(ClientError::NotJoined { data: data.to_owned() });
        }
        let not_running = || ClientError::NotRunning { data: data.to_owned() };
        if !lock::is_held(data) {
            return Err(not_running());
        }
        let text = std::fs::read_to_string(data.join(ENDPOINT_FILE)).map_err(|_| not_running())?;
        let address = text.trim().parse().map_err(|_| not_running())?;
        Ok(Self { data: data.to_owned(), address, slow: None })
    }

    /// Says this, and how long it will wait at most, when an answer takes long.
    #[must_use]
    pub fn telling_when_slow(mut self, words: &'static str) -> Self {
        self.slow = Some(words);
        self
    }

    /// The address of the page.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Reads something.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.ask(Method::GET, path, None, ANSWER_TIME_MAX).await
    }

    /// Asks for something that may be repeated without being carried out twice: when the connection
    /// broke, the same is asked once more.
    ///
    /// # Errors
    /// See [`ClientError`]; when neither try was answered, how the first one broke.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, ClientError> {
        let first = match self.send_once(method.clone(), path, body).await {
            // An agent that is too busy to answer is not asked twice.
            Err(ClientError::Broken(first)) if !matches!(first, BrokenError::Late(_)) => first,
            answer => return answer,
        };
        match self.send_once(method, path, body).await {
            Err(ClientError::Broken(_) | ClientError::NotRunning { .. }) => Err(ClientError::Broken(first)),
            answer => answer,
        }
    }

    /// Asks for something that must not be repeated.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn send_once(&self, method: Method, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.ask(method, path, Some(body), ANSWER_TIME_MAX).await
    }

    /// One request over a connection of its own.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        time_max: Duration,
    ) -> Result<Value, ClientError> {
        let stream =
            TcpStream::connect(self.address).await.map_err(|_| ClientError::NotRunning { data: self.data.clone() })?;
        let exchange = tokio::time::timeout(time_max, self.exchange(stream, method, path, body));
        let mut exchange = std::pin::pin!(exchange);
        let answer = match tokio::time::timeout(SLOW, exchange.as_mut()).await {
            Ok(answer) => answer,
            Err(_) => {
                if let Some(words) = self.slow {
                    out::note(&format!("msap-agent : {words} ({} s)…", time_max.as_secs()));
                }
                exchange.await
            }
        };
        let (status, bytes) = match answer {
            Ok(answer) => answer.map_err(ClientError::Broken)?,
            Err(_) => return Err(ClientError::Broken(BrokenError::Late(time_max))),
        };
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| ClientError::Broken(BrokenError::Form))?;
        if status.is_success() {
            return Ok(value);
        }
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        Err(ClientError::Problem { status, field: text("field"), detail: text("detail").unwrap_or_default() })
    }

    async fn exchange(
        &self,
        stream: TcpStream,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), BrokenError> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.address.to_string());
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::new(Bytes::from(body))).map_err(|_| BrokenError::Form)?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_LEN_MAX).collect().await.map_err(|_| BrokenError::Form)?;
        driver.abort();
        Ok((status, body.to_bytes()))
    }
}

/// A text as one segment of a path, or as the value of a query.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_directory_without_a_site_is_told_apart_from_a_stopped_agent() {
        let data = tempfile::tempdir().unwrap();
        assert!(matches!(Client::find(data.path()), Err(ClientError::NotJoined { .. })));
        std::fs::write(data.path().join(store::FILE_NAME), "").unwrap();
        assert!(matches!(Client::find(data.path()), Err(ClientError::NotRunning { .. })));
    }

    #[test]
    fn an_address_that_outlived_its_agent_is_not_spoken_to() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join(store::FILE_NAME), "").unwrap();
        std::fs::write(data.path().join(ENDPOINT_FILE), "127.0.0.1:8477\n").unwrap();
        assert!(matches!(Client::find(data.path()), Err(ClientError::NotRunning { .. })));
        let held = lock::hold(data.path()).unwrap();
        assert_eq!(Client::find(data.path()).unwrap().url(), "http://127.0.0.1:8477/");
        drop(held);
    }

    /// Answers connections in turn with these texts, an empty one being a broken connection;
    /// gives back what was sent on each.
    async fn answering(answers: Vec<&'static str>) -> (Client, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Client { data: PathBuf::from("/data"), address: listener.local_addr().unwrap(), slow: None };
        let served = tokio::spawn(async move {
            let mut requests = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let len = stream.read(&mut request).await.unwrap();
                request.truncate(len);
                requests.push(String::from_utf8(request).unwrap());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            requests
        });
        (client, served)
    }

    const DONE: &str = "HTTP/1.1 201 Created\r\ncontent-length: 12\r\n\r\n{\"new\":true}";

    #[tokio::test]
    async fn a_broken_connection_is_tried_once_more_with_the_same_request() {
        let (client, served) = answering(vec!["", DONE]).await;
        let body = serde_json::json!({ "id": "u" });
        let done = client.send(Method::POST, "/api/visits", &body).await.unwrap();
        assert_eq!(done["new"], true);
        let requests = served.await.unwrap();
        assert_eq!(requests[0], requests[1]);
        assert!(requests[0].contains("{\"id\":\"u\"}"), "{requests:?}");

        let (client, served) = answering(vec!["", ""]).await;
        assert!(matches!(client.send(Method::POST, "/", &body).await, Err(ClientError::Broken(_))));
        served.await.unwrap();
    }

    #[tokio::test]
    async fn what_the_agent_refuses_is_not_asked_again() {
        let refusal = "HTTP/1.1 422 X\r\ncontent-length: 26\r\n\r\n{\"field\":\"n\",\"detail\":\"d\"}";
        let (client, served) = answering(vec![refusal]).await;
        match client.send(Method::POST, "/", &Value::Null).await {
            Err(ClientError::Problem { status, field, detail }) => {
                assert_eq!((status.as_u16(), field.as_deref(), detail.as_str()), (422, Some("n"), "d"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(served.await.unwrap().len(), 1);
    }

    #[test]
    fn escaped_text_is_one_segment() {
        assert_eq!(escaped("2026-11-20"), "2026-11-20");
        assert_eq!(escaped("../é?a=b&c"), "%2E%2E%2F%C3%A9%3Fa%3Db%26c");
    }
}

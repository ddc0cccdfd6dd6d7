//! Links against stations in memory, in paused time.

mod any;
mod hdlc;
mod optical;
mod wrapper;

use std::cell::RefCell;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::select;
use tokio::time::{Instant, sleep, sleep_until};

use super::*;
use crate::model::template::FORMAT;
use crate::protocol::hdlc::{HdlcServer, ServerConfig, ServerEvent, ServerHabits};
use crate::transport::TapRecord;

type Records = Rc<RefCell<Vec<TapRecord>>>;

fn template() -> Template {
    serde_json::from_value(serde_json::json!({
        "format": FORMAT, "name": "test", "title": "Test", "family": "dlms",
    }))
    .unwrap()
}

fn address(text: &str) -> ServerAddress {
    text.parse().unwrap()
}

struct Setup {
    far: DuplexStream,
    pipe: Option<Pipe>,
    records: Records,
    cancel: Cancel,
}

fn setup() -> Setup {
    let (near, far) = duplex(16 * 1024);
    let records = Records::default();
    let secrets = vec![Secret::new(b"opensesame".to_vec())];
    let tap = MaskingTap::new(Box::new(records.clone()), secrets, Framing::Hdlc);
    let pipe = Some(Pipe::new(Place::Memory(near), Box::new(tap)));
    Setup { far, pipe, records, cancel: Cancel::default() }
}

impl Setup {
    fn hdlc(&mut self, template: &Template, gateway: Option<Prefix>) -> HdlcLink {
        let pipe = self.pipe.take().unwrap();
        HdlcLink::new(pipe, address("1/17"), template, gateway, None, self.cancel.clone())
    }

    fn wrapper(&mut self, template: &Template, gateway: Option<Prefix>) -> WrapperLink {
        let pipe = self.pipe.take().unwrap();
        WrapperLink::new(pipe, address("1"), template, gateway, self.cancel.clone())
    }

    fn notes(&self) -> Vec<String> {
        self.records.borrow().iter().filter_map(|record| record.note.clone()).collect()
    }
}

/// A meter over HDLC that answers every APDU with itself; it tells which clients connected.
async fn hdlc_meter(stream: &mut DuplexStream, config: ServerConfig, clients: &RefCell<Vec<u16>>) {
    let mut server = HdlcServer::new(config);
    let mut buffer = [0; 1024];
    loop {
        while let Some(event) = server.poll_event() {
            match event {
                ServerEvent::Apdu(apdu) => server.send(&apdu),
                ServerEvent::Connected { client, .. } => clients.borrow_mut().push(client),
                ServerEvent::Disconnected => {}
            }
        }
        while let Some(frame) = server.poll_transmit() {
            stream.write_all(&frame).await.unwrap();
        }
        let deadline = server.deadline().map(Instant::from_std);
        select! {
            count = stream.read(&mut buffer) => match count.unwrap_or(0) {
                0 => return,
                count => server.handle_bytes(&buffer[..count], Instant::now().into_std()),
            },
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                server.handle_timeout(Instant::now().into_std());
            }
        }
    }
}

fn server_config() -> ServerConfig {
    ServerConfig::new(address("1/17"))
}

/// Runs a conversation beside the meter.
async fn beside<T>(meter: impl Future<Output = ()>, talk: impl Future<Output = T>) -> T {
    let mut talk = std::pin::pin!(talk);
    select! {
        biased;
        outcome = &mut talk => outcome,
        () = meter => talk.await,
    }
}

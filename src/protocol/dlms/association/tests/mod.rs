//! Conversations with scripted meters. Where a line of `facts/dlms-quirks.md` is met, the test names it.

mod ciphered;
mod general_blocks;
mod lists;
mod meter;
mod opening;
mod transfer;

use crate::model::{Auth, MeterSecrets, Obis, Secret, Security, SystemTitle};
use crate::protocol::dlms::{AttributeRef, Selective};
use crate::protocol::link::scripted::{ScriptedLink, hex};

use super::*;

const CLIENT: SystemTitle = SystemTitle(*b"MTWCLNT1");
const METER: SystemTitle = SystemTitle(*b"XYZ\x00\x00\x00\x00\x07");

/// Hands out counters from a number, and remembers what it was asked to raise to.
struct Row {
    next: u32,
    raised: Vec<u32>,
}

impl Row {
    fn from(next: u32) -> Self {
        Self { next, raised: Vec::new() }
    }
}

impl CounterStore for Row {
    fn next(&mut self) -> Result<u32, CounterError> {
        let counter = self.next;
        self.next = counter.checked_add(1).ok_or_else(|| CounterError("used up".to_owned()))?;
        Ok(counter)
    }

    fn raise(&mut self, at_least: u32) -> Result<(), CounterError> {
        self.raised.push(at_least);
        self.next = self.next.max(at_least);
        Ok(())
    }
}

fn config(auth: Auth, security: Security) -> AssociationConfig {
    AssociationConfig {
        client: 1,
        auth,
        security,
        client_title: CLIENT,
        server_title: None,
        public_client: 16,
        tuning: AssociationTuning::default(),
        requests: RequestTuning::default(),
        timing: Timing::default(),
        secrets: MeterSecrets {
            password: Some(Secret::new(b"12345678".to_vec())),
            encryption_key: Some(Secret::new((0..16).collect())),
            authentication_key: Some(Secret::new((0xD0..0xE0).collect())),
            master_key: None,
        },
    }
}

fn open_config() -> AssociationConfig {
    config(Auth::None, Security::None)
}

/// The AARQ of `open_config`.
const AARQ: &str =
    "60 1D A1 09 06 07 60 85 74 05 08 01 01 BE 10 04 0E 01 00 00 00 06 5F 1F 04 00 20 5E 9F FF FF";

/// A script with an association without authentication already opened: these services, this largest PDU.
fn opened(conformance: &str, max_pdu: &str) -> ScriptedLink {
    let aare = format!(
        "61 29 A1 09 06 07 60 85 74 05 08 01 01 A2 03 02 01 00 A3 05 A1 03 02 01 00 \
         BE 10 04 0E 08 00 06 5F 1F 04 00 {conformance} {max_pdu} 00 07"
    );
    ScriptedLink::new().connect(1).expect(AARQ).respond(&aare)
}

/// Everything that is proposed but general block transfer.
fn usual() -> ScriptedLink {
    opened("00 5E 9F", "FF FF")
}

async fn associate<'a>(
    link: &'a mut ScriptedLink,
    config: &AssociationConfig,
    row: &'a mut Row,
) -> Association<'a, ScriptedLink> {
    Association::open(link, config, row, &mut |_| {}).await.unwrap()
}

async fn failure(link: &mut ScriptedLink, config: &AssociationConfig, row: &mut Row) -> DlmsError {
    match Association::open(link, config, row, &mut |_| {}).await {
        Ok(_) => panic!("the association opened"),
        Err(error) => error,
    }
}

fn clock() -> AttributeRef {
    AttributeRef::new(8, Obis::new(0, 0, 1, 0, 0, 255), 2)
}

fn register(e: u8) -> AttributeRef {
    AttributeRef::new(3, Obis::new(1, 0, 1, 8, e, 255), 2)
}

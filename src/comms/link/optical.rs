//! The sign-on of an optical probe: IEC 62056-21 up to HDLC in mode E.

use std::time::Duration;

use tokio::time::Instant;

use super::millis;
use super::wire::Wire;
use crate::model::{SerialFormat, SerialLine};
use crate::protocol::iec62056_21::{Confirmation, Identification, request, select_hdlc};
use crate::protocol::link::LinkError;

/// A meter begins to answer within 1500 ms; gateways and adapters add to it (`facts/iec62056-21.md`, section 2).
const ANSWER: Duration = Duration::from_millis(3000);
/// Two characters of one message are at most so far apart.
const GAP: Duration = Duration::from_millis(1600);
/// A meter that heard half a request gives up after 2200 ms.
const RECOVERY: Duration = Duration::from_millis(2300);
/// More than this before a line's end is no sign-on.
const MOST: usize = 512;

/// Signs on and leaves the line in 8N1 at the agreed speed, which is returned.
pub(super) async fn sign_on(wire: &mut Wire, line: &SerialLine, retries: u32) -> Result<u32, LinkError> {
    let mut tries = 0;
    loop {
        wire.set_format(line.baud, line.format).await?;
        wire.write(&request("")).await?;
        if let Some(identification) = answer(wire, Identification::find).await? {
            return hand_over(wire, &identification).await;
        }
        tries += 1;
        if tries > retries {
            let waited_ms = u64::try_from(ANSWER.as_millis()).unwrap_or(u64::MAX);
            return Err(LinkError::Timeout { what: "the sign-on of the optical probe", waited_ms });
        }
        wire.pause(Instant::now() + RECOVERY).await?;
    }
}

async fn hand_over(wire: &mut Wire, identification: &Identification) -> Result<u32, LinkError> {
    let speed = identification.speed().filter(|_| identification.hdlc).ok_or_else(|| {
        LinkError::Refused(format!(
            "it offers no HDLC (mode E) but says {identification}: it speaks IEC 62056-21"
        ))
    })?;
    let reaction = millis(identification.reaction_ms() + 20);
    wire.quiet_for(reaction).await?;
    let select = select_hdlc(identification.offer);
    let since = Instant::now();
    wire.write(&select).await?;
    wire.drain(select.len(), since).await;
    // The confirmation comes in 7E1 at the new speed; in 8N1 it is read as well, and nothing has to be switched
    // between it and the first frame.
    wire.set_format(speed, SerialFormat::Eight).await?;
    match answer(wire, Confirmation::find).await? {
        Some(Confirmation::Hdlc) => {
            wire.note(&format!("signed on to {identification}: HDLC at {speed} baud"));
        }
        Some(Confirmation::Other) => {
            return Err(LinkError::Refused(format!("{identification} offered HDLC and then chose mode C")));
        }
        // Some meters go straight on; whether this one did, SNRM will tell.
        None => wire.note(&format!("{identification} confirms nothing; trying HDLC at {speed} baud")),
    }
    wire.quiet_for(reaction).await?;
    Ok(speed)
}

/// Reads until something whole is found, or nothing comes any more.
async fn answer<T>(wire: &mut Wire, find: impl Fn(&[u8]) -> Option<T>) -> Result<Option<T>, LinkError> {
    let mut got = Vec::new();
    let mut limit = Instant::now() + ANSWER;
    while got.len() < MOST {
        let Some(octets) = wire.read(limit).await? else { break };
        got.extend(octets);
        if let Some(found) = find(&got) {
            return Ok(Some(found));
        }
        limit = limit.max(Instant::now() + GAP);
    }
    Ok(None)
}

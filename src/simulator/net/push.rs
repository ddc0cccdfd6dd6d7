//! Meters that push by themselves, ciphered with their own keys: name, clock and the total registers, each value behind
//! its code; or the bare values of the push setup, with the last rows of profile and log.

use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};

use super::super::fleet::Station;
use super::super::lines::PushTo;
use super::super::meter::VirtualMeter;
use super::super::objects::PUSHED;
use super::super::server::{SharedMeter, lock};
use super::super::world::TrueTime;
use super::super::{AUTHENTICATION_KEY, ENCRYPTION_KEY};
use crate::model::template::CipheringForm;
use crate::model::{Obis, Security};
use crate::protocol::dlms::apdu::{DataNotification, ServiceKey};
use crate::protocol::dlms::security::{CipherContext, Envelope, SuiteKey};
use crate::protocol::dlms::{Apdu, AttributeRef, Data, Selective};
use crate::protocol::wrapper::WrapperFrame;

/// A connection that is not made or not taken for so long is given up until the next push.
const WAIT: Duration = Duration::from_secs(10);
/// Client that pushes are meant for.
const CLIENT: u16 = 1;
const SERVER: u16 = 1;
/// From here on seconds are counted: 2020-01-01T00:00:00Z.
const EPOCH: i64 = 1_577_836_800;
/// Steps by which the meters of a fleet push after one another, in milliseconds.
const APART_MS: u64 = 5;

/// Begins the pushes of a station, where its meters push.
pub(super) fn begin(station: &Rc<Station>, time: &TrueTime) {
    let Some(to) = station.lines.push else { return };
    let every = Duration::from_secs(station.lines.push_every.max(1).into());
    let by_list = station.lines.push_list;
    for housed in station.meters.iter().filter(|housed| !housed.dead) {
        let (meter, time) = (housed.meter.clone(), time.clone());
        tokio::task::spawn_local(async move {
            let number = lock(&meter).settings().number;
            sleep(Duration::from_millis(u64::from(number) * APART_MS)).await;
            // A key's counter never goes back, not even when the fleet is started anew.
            let first = u32::try_from(time.now_ms() / 1000 - EPOCH).unwrap_or(1);
            for invoke in first.. {
                let octets = message(&meter, by_list, invoke, time.now_ms());
                // Nobody listens: the next one is tried all the same.
                if let Err(error) = send(to, &octets).await {
                    tracing::debug!("meter {number} could not push: {error}");
                }
                sleep(every).await;
            }
        });
    }
}

/// Each value behind its code.
fn by_codes(meter: &mut VirtualMeter, now_ms: i64) -> Data {
    let mut look =
        |class_id, obis, attribute| meter.look(&AttributeRef::new(class_id, obis, attribute), now_ms).ok();
    let code = |obis: Obis| Data::Octets(obis.0.to_vec());
    let mut body = Vec::new();
    for (class_id, obis) in [(1, Obis::new(0, 0, 42, 0, 0, 255)), (8, Obis::new(0, 0, 1, 0, 0, 255))] {
        if let Some(value) = look(class_id, obis, 2) {
            body.push(Data::Structure(vec![code(obis), value]));
        }
    }
    for group in 1..=4 {
        let obis = Obis::new(1, 0, group, 8, 0, 255);
        if let (Some(value), Some(scaler)) = (look(3, obis, 2), look(3, obis, 3)) {
            body.push(Data::Structure(vec![code(obis), value, scaler]));
        }
    }
    Data::Array(body)
}

/// The bare values of the push setup; of profiles and logs the last row.
fn by_list(meter: &mut VirtualMeter, now_ms: i64) -> Data {
    let mut look = |attribute: &AttributeRef| meter.look(attribute, now_ms).unwrap_or(Data::Null);
    let mut value = |(class_id, obis, number)| {
        let plain = AttributeRef::new(class_id, obis, number);
        if class_id != 7 {
            return look(&plain);
        }
        let in_use = look(&AttributeRef::new(class_id, obis, 7)).integer();
        let last = in_use.and_then(|count| u32::try_from(count).ok()).unwrap_or_default();
        let parameters = vec![Data::U32(last.max(1)), Data::U32(0), Data::U16(1), Data::U16(0)];
        let selective = Selective { selector: 2, parameters: Data::Structure(parameters) };
        look(&AttributeRef { selective: Some(selective), ..plain })
    };
    Data::Structure(PUSHED.into_iter().map(&mut value).collect())
}

/// One push of a meter.
fn message(meter: &SharedMeter, is_list: bool, invoke: u32, now_ms: i64) -> Vec<u8> {
    let mut meter = lock(meter);
    let body = if is_list { by_list(&mut meter, now_ms) } else { by_codes(&mut meter, now_ms) };
    let told = DataNotification { invoke, stamp: None, body };
    let plain = Apdu::DataNotification(told).encode();
    let keys = SuiteKey::new(ENCRYPTION_KEY, AUTHENTICATION_KEY);
    let cipher = CipherContext::new(Security::Both, meter.settings().system_title(), keys);
    let envelope = Envelope { key: ServiceKey::Global, form: CipheringForm::General, omit_title: false };
    // The keys are there, so that this cannot fail; what is no message is taken by nobody.
    let apdu = cipher.protect(&plain, invoke, envelope).unwrap_or_default();
    // A push is never longer than the wrapper can say.
    WrapperFrame { source: SERVER, destination: CLIENT, apdu }.encode().unwrap_or_default()
}

async fn send(to: PushTo, octets: &[u8]) -> std::io::Result<()> {
    if to.udp {
        let own = if to.address.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
        let socket = UdpSocket::bind(own).await?;
        return socket.send_to(octets, to.address).await.map(|_| ());
    }
    let sending = async {
        let mut stream = TcpStream::connect(to.address).await?;
        stream.write_all(octets).await?;
        stream.shutdown().await
    };
    timeout(WAIT, sending).await.map_err(|_| std::io::ErrorKind::TimedOut)?
}

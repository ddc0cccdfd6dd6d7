//! Sessions with a DLMS meter, as the program holds them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use jiff::SignedDuration;
use meterwright::drivers::dlms;
use meterwright::drivers::{
    Activation, ClockOrder, ClockWay, Contactor, Order, RatioOrder, ReadRequest, Reference,
};
use meterwright::firmware::{
    Backup, Draft, FlashPlan, FlashState, Hex, Journal, MakerKey, Package, SigningKeyFile, TrustedKey, flash,
    package,
};
use meterwright::model::{Auth, Fault, Knowledge, ProfileRow, Secret, Security, What};
use meterwright::scheme::{self, Document};
use meterwright::simulator::faults::Faults;
use meterwright::simulator::{AUTHENTICATION_KEY, CLIENT_TITLE, ENCRYPTION_KEY, SharedMeter, VirtualMeter};

use crate::block;
use crate::line::{Changes, Counter, Line, NOW, access, settings};
use crate::sink::Sink;

const SCHEME: &[u8] = include_bytes!("../../schemes/evenings-and-weekends.scheme.json");
const TEMPLATES: [&str; 3] = ["dlms-generic", "dlms-idis", "dlms-meterwright"];

fn document() -> &'static Document {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    DOCUMENT.get_or_init(|| scheme::read(SCHEME).expect("a scheme of the library"))
}

fn key() -> SigningKeyFile {
    SigningKeyFile::of_secret(&Secret::new(vec![7; 32]), "Release").expect("32 bytes")
}

/// A signed package with a small image for the virtual meters.
#[must_use]
pub fn package_bytes() -> Vec<u8> {
    let mut image = b"MTWFW MTW 1.5.0\n".to_vec();
    image.resize(700, 0x5A);
    let draft = Draft {
        maker: "MTW".to_owned(),
        models: vec!["MTW-101".to_owned()],
        version: "MTW 1.5.0".to_owned(),
        image_identifier: Hex(b"MTW-1.5.0".to_vec()),
        ..Draft::default()
    };
    let (size, sha256) = package::digest(image.as_slice()).expect("octets are read");
    let manifest = draft.finish(size, sha256).expect("a manifest");
    let mut bytes = Vec::new();
    package::write(&mut bytes, &manifest, image.as_slice(), &key()).expect("octets are written");
    bytes
}

fn firmware() -> Arc<Package> {
    static PACKAGE: OnceLock<Arc<Package>> = OnceLock::new();
    let read = || Arc::new(Package::from_bytes(package_bytes()).expect("what was written is read"));
    PACKAGE.get_or_init(read).clone()
}

/// The state of a flash as the store keeps it.
#[derive(Debug, Default)]
struct Kept(RefCell<FlashState>);

impl Journal for Kept {
    fn load(&self) -> Result<FlashState, Fault> {
        Ok(self.0.borrow().clone())
    }
    fn keep(&self, state: &FlashState) -> Result<(), Fault> {
        *self.0.borrow_mut() = state.clone();
        Ok(())
    }
    fn may_go_on(&self) -> Result<(), Fault> {
        Ok(())
    }
    fn trusted(&self) -> Result<Vec<TrustedKey>, Fault> {
        Ok(vec![key().public()])
    }
    fn maker_keys(&self) -> Result<Vec<MakerKey>, Fault> {
        Ok(Vec::new())
    }
}

/// Each day's rows go into a block and come out of it as they were.
fn through_blocks(rows: &[ProfileRow]) {
    let mut days: BTreeMap<i32, Vec<ProfileRow>> = BTreeMap::new();
    for row in rows {
        days.entry(block::day_of(row.end)).or_default().push(row.clone());
    }
    for (day, rows) in days {
        let place = block::Place { profile: 1, day };
        if let Ok(block) = block::encode(place, &rows) {
            assert_eq!(block::decode(place, &block).as_ref(), Ok(&rows), "what was packed is unpacked");
        }
    }
}

/// How many kinds of session there are.
pub const MODES: u8 = 12;

/// The meter of a variant: one that takes short messages only, or answers in general blocks.
#[must_use]
pub fn meter(variant: u8) -> SharedMeter {
    let mut settings = settings();
    if variant & 4 != 0 {
        settings.max_pdu = 96;
    }
    if variant & 8 != 0 {
        settings.faults =
            Faults::parse(&["quirk:gbt-unasked", "quirk:gbt-loses"]).expect("quirks of the program");
    }
    SharedMeter::new(VirtualMeter::new(settings).into())
}

/// Holds a session of one of the kinds with the meter at the end of a line; `variant` chooses the template (2 bits),
/// the meter (2 bits), the authentication (2 bits) and the order (2 bits).
///
/// # Errors
/// What the program would tell.
pub async fn session(mode: u8, variant: u8, line: &mut Line<'_>) -> Result<(), Fault> {
    let mut access = access(TEMPLATES[usize::from(variant) % 4 % TEMPLATES.len()]);
    match variant & 0x30 {
        0x10 => access.config.auth = Auth::HighSha256,
        0x20 => {
            (access.config.auth, access.config.security) = (Auth::HighGmac, Security::Both);
            access.secrets.encryption_key = Some(Secret::new(ENCRYPTION_KEY.to_vec()));
            access.secrets.authentication_key = Some(Secret::new(AUTHENTICATION_KEY.to_vec()));
            access.client_title = CLIENT_TITLE;
        }
        _ => {}
    }
    let mut counter = Counter::default();
    let mut sink = Sink { last_end: None, look: Some(through_blocks) };
    let mut known = Knowledge::default();
    let read = |what: &[What]| ReadRequest { what: what.iter().copied().collect(), from: None, to: None };
    let (counter, sink) = (&mut counter, &mut sink);
    match mode % MODES {
        0 => {
            dlms::read(line, &access, counter, &mut known, &read(&[What::Identity, What::Clock]), sink).await
        }
        1 => dlms::read(line, &access, counter, &mut known, &read(&[What::Registers]), sink).await,
        2 => {
            let mut request = read(&[What::Profile]);
            request.from = Some(NOW - SignedDuration::from_hours(6));
            dlms::read(line, &access, counter, &mut known, &request, sink).await
        }
        3 => {
            let all: BTreeSet<What> = What::ALL.iter().map(|(what, _)| *what).collect();
            let from = Some(NOW - SignedDuration::from_hours(3));
            let request = ReadRequest { what: all, from, to: None };
            dlms::read(line, &access, counter, &mut known, &request, sink).await
        }
        4 => {
            let what = [What::Billing, What::Events, What::Instrumentation];
            dlms::read(line, &access, counter, &mut known, &read(&what), sink).await
        }
        5 => {
            // A meter without a tariff has little to say.
            let mut quiet = Line::new(line.meter(), Changes::default());
            let scheme = (document(), Activation::Now);
            dlms::write_scheme(&mut quiet, &access, counter, &mut known, scheme, sink).await?;
            let mut known = Knowledge::default();
            dlms::read_scheme(line, &access, counter, &mut known, Reference::None, sink).await
        }
        6 => {
            let scheme = (document(), Activation::Now);
            dlms::write_scheme(line, &access, counter, &mut known, scheme, sink).await
        }
        7 => dlms::learn_template(line, &access, counter, sink).await,
        8 => dlms::ratios(line, &access, counter, &mut known, &RatioOrder::Read, sink).await,
        9 => {
            let way = if variant & 0x80 == 0 { ClockWay::Set } else { ClockWay::Adjust };
            let order = ClockOrder { way, across_interval: variant & 0x40 == 0 };
            dlms::set_clock(line, &access, counter, &mut known, order, sink).await
        }
        10 => {
            let orders = [
                Order::BillingReset,
                Order::Contactor(Contactor::Open),
                Order::Contactor(Contactor::Arm),
                Order::Contactor(Contactor::Close),
            ];
            let order = orders[usize::from(variant >> 6)];
            dlms::control(line, &access, counter, &mut known, order, sink).await
        }
        _ => {
            let plan = FlashPlan {
                package: firmware(),
                activation: Activation::Now,
                downgrade: None,
                backup: Backup::Registers,
                restart_within: None,
            };
            flash(line, &access, counter, &mut known, &plan, &Kept::default(), sink).await
        }
    }
}

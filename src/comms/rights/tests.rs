//! Every job and every edit, held against every role.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::comms::Discovery;
use crate::drivers::{Activation, ClockOrder, ClockWay, Contactor, ReadRequest};
use crate::firmware::package::{digest, write};
use crate::firmware::{Draft, Hex, POINT_BYTES, Package, SigningKeyFile};
use crate::model::{
    AccuracyClasses, Activate, CampaignPlan, ListId, MeterConfig, MeterId, MeterList, MeterSecrets, Person,
    PointDetails, PointId, Ratio, RatioPeriod, Role, Secret, Side, Transformers,
};
use crate::store::{Exchange, MeterChanges, NewMeter};

const ANY: &str = "viewer reader technician designer engineer administrator";
const READING: &str = "reader technician designer engineer administrator";
const FIELD: &str = "technician engineer administrator";
const SCHEMES: &str = "designer engineer administrator";
const KEEPING: &str = "engineer administrator";
const RULING: &str = "administrator";

fn who_may(needed: &[Right]) -> String {
    let may = |role: &Role| {
        let name = "x".to_owned();
        let person = Person { name, role: *role, is_locked: false, administrators: Vec::new() };
        check(&Standing::SignedIn(person), needed).is_ok()
    };
    Role::ALL.iter().filter(|role| may(role)).map(|role| role.word()).collect::<Vec<_>>().join(" ")
}

fn package() -> Arc<Package> {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKeyFile::create(&folder.path().join("key"), "Release", None).unwrap();
    let draft = Draft {
        version: "1.5.0".to_owned(),
        image_identifier: Hex(vec![1]),
        models: vec!["X".to_owned()],
        ..Draft::default()
    };
    let image = [7u8; 64];
    let (size, sha256) = digest(image.as_slice()).unwrap();
    let mut bytes = Vec::new();
    write(&mut bytes, &draft.finish(size, sha256).unwrap(), image.as_slice(), &key).unwrap();
    Arc::new(Package::from_bytes(bytes).unwrap())
}

fn document() -> crate::scheme::Document {
    let text = std::fs::read("schemes/day-night.scheme.json").unwrap();
    crate::scheme::read(&text).unwrap()
}

fn flash(downgrade: Option<&str>) -> Job {
    let plan = CampaignPlan { downgrade: downgrade.map(str::to_owned), ..CampaignPlan::default() };
    Job::Flash { meters: Vec::new(), package: package(), plan: Box::new(plan) }
}

#[test]
fn every_job_is_for_the_roles_of_the_table() {
    let line: crate::model::Line = "tcp://a".parse().unwrap();
    let meter = MeterId(1);
    let order = |way| ClockOrder { way, across_interval: false };
    let ratio: Ratio = "5/5".parse().unwrap();
    let discovery = Discovery {
        line: line.clone(),
        seats: Vec::new(),
        template: "dlms-generic".to_owned(),
        client: None,
    };
    let request = ReadRequest { what: [].into(), from: None, to: None };
    let config = Box::new(MeterConfig::new("A", line));
    let table = [
        (Job::Read { meters: Vec::new(), request }, READING),
        (Job::ReadScheme { meter, reference: None }, READING),
        (Job::Test { config, secrets: MeterSecrets::default(), meter: None }, READING),
        (Job::Discover(Box::new(discovery)), READING),
        (Job::RunList(ListId(1)), READING),
        (Job::Learn { meter }, READING),
        (Job::Ratios { meters: Vec::new(), order: RatioOrder::Read }, READING),
        (Job::Ratios { meters: Vec::new(), order: RatioOrder::Write { ct: ratio, vt: ratio } }, FIELD),
        (Job::SetClock { meters: Vec::new(), order: order(ClockWay::Set) }, FIELD),
        (Job::SetClock { meters: Vec::new(), order: order(ClockWay::Adjust) }, FIELD),
        (Job::Control { meter, order: Order::BillingReset }, FIELD),
        (Job::Control { meter, order: Order::Contactor(Contactor::Open) }, FIELD),
        (Job::Control { meter, order: Order::Contactor(Contactor::Arm) }, FIELD),
        (Job::Control { meter, order: Order::Contactor(Contactor::Close) }, FIELD),
        (flash(None), FIELD),
        (flash(Some("1.4 counts twice")), RULING),
        (Job::WriteScheme { meter, scheme: Box::new(document()), activation: Activation::Never }, SCHEMES),
    ];
    for (job, wanted) in table {
        assert_eq!(who_may(&of_job(&job)), wanted, "{job:?}");
    }
}

#[test]
fn every_action_of_a_list_is_for_the_roles_of_the_table() {
    let scheme = String::new();
    let write = Action::WriteScheme { scheme, identity: String::new(), activate: Activate::Never };
    for (action, wanted) in [
        (Action::Read { what: [].into(), from: None }, READING),
        (write, SCHEMES),
        (Action::AdjustClock, FIELD),
    ] {
        assert_eq!(who_may(&[of_action(&action)]), wanted, "{action:?}");
    }
}

#[test]
fn every_edit_is_for_the_roles_of_the_table() {
    let line: crate::model::Line = "tcp://a".parse().unwrap();
    let config = || MeterConfig::new("A", line.clone());
    let (at, point) = (Timestamp::UNIX_EPOCH, PointId(1));
    let secret = || Secret::new(vec![1; 8]);
    let setting = |key: &str| Edit::Setting { key: key.to_owned(), value: String::new() };
    let one: Ratio = "5/5".parse().unwrap();
    let transformers = Transformers { ct: one, vt: one, registers_in: Side::Secondary };
    let period = RatioPeriod { from: at, until: None, transformers, classes: AccuracyClasses::default() };
    let exchange = Exchange {
        old: MeterId(1),
        new: NewMeter::Listed(MeterId(2)),
        at,
        last: Vec::new(),
        first: Vec::new(),
    };
    let name = || "x".to_owned();
    let table = [
        (Edit::AddMeters(Vec::new()), KEEPING),
        (Edit::UpdateMeter { id: MeterId(1), config: Box::new(config()), secrets: BTreeMap::new() }, KEEPING),
        (Edit::RemoveMeters(Vec::new()), KEEPING),
        (Edit::UpdatePoint { id: point, name: name(), details: Box::new(PointDetails::default()) }, KEEPING),
        (Edit::TrustKey { public: [0; 32], name: name() }, RULING),
        (Edit::UntrustKey { public: [0; 32] }, RULING),
        (Edit::TrustMakerKey { public: [0; POINT_BYTES], name: name() }, RULING),
        (Edit::UntrustMakerKey { public: [0; POINT_BYTES] }, RULING),
        (Edit::PutTemplate { text: name(), origin: None, replaces: None }, KEEPING),
        (Edit::RemoveTemplate(name()), KEEPING),
        (Edit::AddGroup(name()), KEEPING),
        (Edit::MoveGroup { from: name(), to: None }, KEEPING),
        (Edit::ChangeMeters(Box::default()), KEEPING),
        (Edit::CallOffCampaign { id: 1 }, FIELD),
        (Edit::SetRatio { point, period: Box::new(period) }, FIELD),
        (Edit::RemoveRatio { point, from: at }, FIELD),
        (Edit::Exchange { exchange: Box::new(exchange), secrets: MeterSecrets::default() }, FIELD),
        (setting("gui.theme"), ANY),
        (setting("limits.new-connections-per-second"), KEEPING),
        (setting("anything.else"), KEEPING),
        (setting("trace.keep-mib"), RULING),
        (setting("people.lock-minutes"), RULING),
        (Edit::PutList { id: None, list: Box::new(MeterList::new("L", Action::AdjustClock)) }, KEEPING),
        (Edit::RemoveList(ListId(1)), KEEPING),
        (Edit::StopRun(1), READING),
        (Edit::AddPerson { name: name(), role: Role::Viewer, passphrase: secret() }, RULING),
        (Edit::SetPerson { name: name(), role: None, passphrase: None, active: None }, RULING),
        (Edit::OwnPassphrase { old: secret(), new: secret() }, ANY),
        (Edit::RekeyVault, RULING),
        (Edit::SingleUser, RULING),
    ];
    for (edit, wanted) in table {
        assert_eq!(who_may(&of_edit(&edit)), wanted, "{edit:?}");
    }
}

#[test]
fn an_import_that_changes_ratios_needs_the_right_for_ratios_beside_its_own() {
    use crate::model::{MeterPatch, PointPatch, RatioPatch};
    let about = PointPatch { ratios: Some(RatioPatch::Clear), ..PointPatch::default() };
    let changed = (MeterId(1), MeterPatch { about: about.clone(), ..MeterPatch::default() });
    for changes in [
        MeterChanges { change: vec![changed], ..MeterChanges::default() },
        MeterChanges {
            add: vec![(MeterConfig::new("x", "tcp://a".parse().unwrap()), about)],
            ..MeterChanges::default()
        },
    ] {
        let needed = of_edit(&Edit::ChangeMeters(Box::new(changes)));
        assert_eq!(needed, [Right::KeepMeters, Right::Ratios]);
    }
}

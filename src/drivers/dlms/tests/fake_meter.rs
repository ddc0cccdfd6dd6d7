//! A meter behind a link, at the level of APDUs: enough of one to hold a driver's whole session against, with the
//! oddities of `facts/dlms-quirks.md` as switches.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::{CaptureObject, ClockRule, Obis};
use crate::protocol::dlms::apdu::{
    Aare, Aarq, Apdu, ApplicationContext, AssociateResult, Diagnostic, Encoded, ExceptionResponse,
    GetRequest, GetResponse, InitiateResponse, InvokeId, Release, encode_get_results,
};
use crate::protocol::dlms::{AttributeRef, Conformance, CosemDateTime, Data, DataAccessResult, Selective};
use crate::protocol::link::{Link, LinkError};

/// How a profile takes selective access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// As the standard says.
    Works,
    /// Refused with this result.
    Refused(u8),
    /// Refused with this result inside a list only.
    RefusedInList(u8),
    /// Taken and not kept to: the whole buffer comes.
    Ignored,
}

/// A profile: rows, oldest first, each without its stamp.
#[derive(Clone, Debug)]
pub(super) struct FakeProfile {
    pub(super) captured: Vec<CaptureObject>,
    pub(super) period: u32,
    pub(super) rows: Vec<(Timestamp, Vec<Data>)>,
    pub(super) range: Access,
    pub(super) entry: Access,
    /// What an answer without rows is.
    pub(super) empty: Result<Data, u8>,
    /// Claimed instead of the true number of rows.
    pub(super) entries_in_use: Option<u32>,
    /// Rows that are captured when the buffer is next read.
    pub(super) captures_while_reading: Vec<(Timestamp, Vec<Data>)>,
    pub(super) newest_first: bool,
    /// Says the opposite of its order.
    pub(super) sort_lies: bool,
    /// What it answers to a number that no row has.
    pub(super) beyond: Beyond,
}

/// What a meter answers to the number of an entry that no row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// As if it were empty.
    Empty,
    /// Its last row.
    Last,
    /// All its rows.
    All,
}

/// A meter.
#[derive(Debug)]
pub(super) struct FakeMeter {
    pub(super) rule: ClockRule,
    pub(super) attributes: BTreeMap<(u16, Obis, i8), Result<Data, u8>>,
    pub(super) profiles: BTreeMap<Obis, FakeProfile>,
    pub(super) conformance: Conformance,
    /// Largest APDU that it sends.
    pub(super) pdu: usize,
    /// Refuses lists with an exception although it offered them.
    pub(super) lists_fail: bool,
    /// Falls silent over an answer above this.
    pub(super) chokes_above: Option<usize>,
    /// Answers for this object end in the middle of a value.
    pub(super) garbled: Option<Obis>,
    /// The line is cut when this many APDUs have come.
    pub(super) cut_after: Option<usize>,
    /// Attributes that were asked for, in order.
    pub(super) asked: Vec<AttributeRef>,
    /// APDUs that came.
    pub(super) exchanges: usize,
    pub(super) associated: bool,
    client_pdu: usize,
    outbox: VecDeque<Vec<u8>>,
    blocks: Option<(Vec<u8>, u32)>,
}

pub(super) fn obis(text: &str) -> Obis {
    text.parse().unwrap()
}

pub(super) fn clock_column() -> CaptureObject {
    CaptureObject { class_id: 8, obis: obis("0-0:1.0.0"), attribute: 2, data_index: 0 }
}

pub(super) fn column(class_id: u16, name: &str) -> CaptureObject {
    CaptureObject { class_id, obis: obis(name), attribute: 2, data_index: 0 }
}

fn text(text: &str) -> Data {
    Data::Octets(text.as_bytes().to_vec())
}

fn scaler_unit(scaler: i8, unit: u8) -> Data {
    Data::Structure(vec![Data::I8(scaler), Data::Enum(unit)])
}

fn definition(one: &CaptureObject) -> Data {
    Data::Structure(vec![
        Data::U16(one.class_id),
        Data::Octets(one.obis.0.to_vec()),
        Data::I8(one.attribute),
        Data::U16(one.data_index),
    ])
}

impl FakeProfile {
    /// Half-hourly rows up to `now`, so many days back: the reference profile of `facts/dlms-peers.md`.
    pub(super) fn load(now: Timestamp, days: i64) -> Self {
        let captured = [clock_column()]
            .into_iter()
            .chain(["1.8.0", "2.8.0", "3.8.0", "4.8.0", "32.7.0", "31.7.0"].map(|name| column(3, name)))
            .collect();
        let last = Timestamp::from_second(now.as_second() / 1800 * 1800).unwrap();
        let rows = (0..days * 48)
            .rev()
            .map(|n| {
                let at = last - SignedDuration::from_mins(30 * n);
                let count = u32::try_from(at.as_second() / 1800).unwrap();
                let energies = (0..4).map(|c| Data::U32(count + c));
                (at, energies.chain([Data::U16(2301), Data::U16(512)]).collect())
            })
            .collect();
        Self::of(captured, 1800, rows)
    }

    pub(super) const fn of(
        captured: Vec<CaptureObject>,
        period: u32,
        rows: Vec<(Timestamp, Vec<Data>)>,
    ) -> Self {
        Self {
            captured,
            period,
            rows,
            range: Access::Works,
            entry: Access::Works,
            empty: Ok(Data::Array(Vec::new())),
            entries_in_use: None,
            captures_while_reading: Vec::new(),
            newest_first: false,
            sort_lies: false,
            beyond: Beyond::Empty,
        }
    }
}

impl FakeMeter {
    /// A meter with ten registers, one voltage and sixty days of half-hourly load profile.
    pub(super) fn new(now: Timestamp) -> Self {
        let rule = ClockRule::standard(TimeZone::get("Europe/Berlin").unwrap());
        let mut meter = Self {
            rule,
            attributes: BTreeMap::new(),
            profiles: BTreeMap::new(),
            conformance: Conformance::GET
                | Conformance::MULTIPLE_REFERENCES
                | Conformance::SELECTIVE_ACCESS
                | Conformance::BLOCK_TRANSFER_GET,
            pdu: 1024,
            lists_fail: false,
            garbled: None,
            chokes_above: None,
            cut_after: None,
            asked: Vec::new(),
            exchanges: 0,
            associated: false,
            client_pdu: 0,
            outbox: VecDeque::new(),
            blocks: None,
        };
        meter.put(1, "0-0:96.1.0", 2, text("12345678"));
        meter.put(1, "0-0:42.0.0", 2, text("MTW0000012345678"));
        meter.put(1, "1-0:0.2.0", 2, text("V1.2.3"));
        let stamp = CosemDateTime::from_stamp(&meter.rule.to_stamp(now));
        meter.put(8, "0-0:1.0.0", 2, Data::Octets(stamp.0.to_vec()));
        for c in [1, 2] {
            for rate in 0..5u32 {
                let name = format!("{c}.8.{rate}");
                meter.put(3, &name, 2, Data::U32(1_000_000 * c + rate));
                meter.put(3, &name, 3, scaler_unit(0, 30));
            }
        }
        for (name, value, scaler, unit) in
            [("3.8.0", 70, 0, 32), ("4.8.0", 80, 0, 32), ("32.7.0", 2301, -1, 35), ("31.7.0", 512, -2, 33)]
        {
            meter.put(3, name, 2, Data::U16(value));
            meter.put(3, name, 3, scaler_unit(scaler, unit));
        }
        meter.profiles.insert(obis("1-0:99.1.0"), FakeProfile::load(now, 60));
        meter
    }

    pub(super) fn put(&mut self, class_id: u16, name: &str, attribute: i8, value: Data) {
        self.attributes.insert((class_id, obis(name), attribute), Ok(value));
    }

    pub(super) fn refuse(&mut self, class_id: u16, name: &str, attribute: i8, result: u8) {
        self.attributes.insert((class_id, obis(name), attribute), Err(result));
    }

    pub(super) fn load_profile(&mut self) -> &mut FakeProfile {
        self.profiles.get_mut(&obis("1-0:99.1.0")).unwrap()
    }

    /// How often an attribute was asked for.
    pub(super) fn times_asked(&self, class_id: u16, name: &str, attribute: i8) -> usize {
        let wanted = (class_id, obis(name), attribute);
        self.asked.iter().filter(|one| (one.class_id, one.obis, one.attribute) == wanted).count()
    }

    /// Forgets what was counted.
    pub(super) fn count_anew(&mut self) {
        self.asked.clear();
        self.exchanges = 0;
    }

    fn object_list(&self) -> Data {
        let mut objects: Vec<(u16, Obis)> = self
            .attributes
            .keys()
            .map(|(class_id, name, _)| (*class_id, *name))
            .chain(self.profiles.keys().map(|name| (7, *name)))
            .collect();
        objects.dedup();
        let entry = |(class_id, name): &(u16, Obis)| {
            Data::Structure(vec![Data::U16(*class_id), Data::U8(0), Data::Octets(name.0.to_vec())])
        };
        Data::Array(objects.iter().map(entry).collect())
    }

    fn answer(&mut self, asked: &AttributeRef, in_list: bool) -> Result<Data, u8> {
        self.asked.push(asked.clone());
        let key = (asked.class_id, asked.obis, asked.attribute);
        if let Some(fixed) = self.attributes.get(&key) {
            return fixed.clone();
        }
        if key == (15, obis("0-0:40.0.0"), 2) {
            return Ok(self.object_list());
        }
        let rule = self.rule.clone();
        let Some(profile) = self.profiles.get_mut(&asked.obis).filter(|_| asked.class_id == 7) else {
            return Err(4);
        };
        let count = u32::try_from(profile.rows.len()).unwrap();
        Ok(match asked.attribute {
            2 => return profile.buffer(&rule, asked.selective.as_ref(), in_list),
            3 => Data::Array(profile.captured.iter().map(definition).collect()),
            4 => Data::U32(profile.period),
            5 => Data::Enum(if profile.newest_first == profile.sort_lies { 1 } else { 2 }),
            6 => definition(&clock_column()),
            7 => Data::U32(profile.entries_in_use.unwrap_or(count)),
            8 => Data::U32(count.max(1)),
            _ => return Err(4),
        })
    }

    fn handle(&mut self, apdu: Apdu) -> Apdu {
        match apdu {
            Apdu::Aarq(request) => {
                self.associated = true;
                self.client_pdu = proposed_pdu(&request);
                let response = InitiateResponse {
                    quality: None,
                    dlms_version: 6,
                    conformance: self.conformance,
                    max_pdu: u16::try_from(self.pdu).unwrap(),
                    vaa_name: 7,
                };
                Apdu::Aare(Aare {
                    context: Some(ApplicationContext::LOGICAL_NAMES),
                    result: AssociateResult::ACCEPTED,
                    diagnostic: Diagnostic::User(0),
                    responding_title: None,
                    mechanism: None,
                    authentication: None,
                    user_information: Some(Apdu::InitiateResponse(response).encode()),
                })
            }
            Apdu::Rlrq(_) => {
                self.associated = false;
                Apdu::Rlre(Release { reason: Some(0), user_information: None })
            }
            Apdu::GetRequest(GetRequest::Normal { invoke, attribute }) => {
                let result = self.answer(&attribute, false);
                let result = self.encoded(attribute.obis, &result);
                let whole = GetResponse::Normal { invoke, result: result.clone() };
                match result {
                    Ok(value) => self.whole_or_blocks(invoke, whole, value.0),
                    Err(_) => Apdu::GetResponse(whole),
                }
            }
            Apdu::GetRequest(GetRequest::WithList { .. }) if self.lists_fail => {
                Apdu::ExceptionResponse(ExceptionResponse { state: 1, service: 2, counter: None })
            }
            Apdu::GetRequest(GetRequest::WithList { invoke, attributes }) => {
                let mut results = Vec::new();
                for one in &attributes {
                    let result = self.answer(one, true);
                    results.push(self.encoded(one.obis, &result));
                }
                let bytes = encode_get_results(&results);
                self.whole_or_blocks(invoke, GetResponse::WithList { invoke, results }, bytes)
            }
            Apdu::GetRequest(GetRequest::Next { invoke, .. }) => self.next_block(invoke),
            other => panic!("the fake meter was sent {other:?}"),
        }
    }

    fn encoded(&self, obis: Obis, result: &Result<Data, u8>) -> Result<Encoded, DataAccessResult> {
        let mut encoded = result.as_ref().map(Encoded::from).map_err(|code| DataAccessResult(*code));
        if let (Ok(Encoded(bytes)), true) = (&mut encoded, self.garbled == Some(obis)) {
            *bytes = vec![0x02, 0x02, 0x63];
        }
        encoded
    }

    fn whole_or_blocks(&mut self, invoke: InvokeId, whole: GetResponse, bytes: Vec<u8>) -> Apdu {
        let whole = Apdu::GetResponse(whole);
        if whole.encode().len() <= self.pdu.min(self.client_pdu) {
            return whole;
        }
        self.blocks = Some((bytes, 0));
        self.next_block(invoke)
    }

    fn next_block(&mut self, invoke: InvokeId) -> Apdu {
        const OVERHEAD: usize = 13;
        let (bytes, number) = self.blocks.take().unwrap();
        let number = number + 1;
        let size = bytes.len().min(self.pdu.min(self.client_pdu) - OVERHEAD);
        let (block, rest) = bytes.split_at(size);
        let last = rest.is_empty();
        let response = GetResponse::WithDatablock { invoke, last, number, result: Ok(block.to_vec()) };
        if !last {
            self.blocks = Some((rest.to_vec(), number));
        }
        Apdu::GetResponse(response)
    }
}

fn proposed_pdu(request: &Aarq) -> usize {
    let information = request.user_information.clone().unwrap();
    let (Apdu::InitiateRequest(initiate), _) = Apdu::decode(&information).unwrap() else { panic!() };
    usize::from(initiate.max_pdu)
}

impl FakeProfile {
    fn buffer(&mut self, rule: &ClockRule, selective: Option<&Selective>, in_list: bool) -> Result<Data, u8> {
        self.rows.append(&mut self.captures_while_reading);
        let access = match selective.map(|one| one.selector) {
            None => Access::Ignored,
            Some(1) => self.range,
            Some(_) => self.entry,
        };
        match access {
            Access::Refused(code) => return Err(code),
            Access::RefusedInList(code) if in_list => return Err(code),
            _ => {}
        }
        let fields = selective.and_then(|one| one.parameters.elements()).unwrap_or_default();
        let limit =
            |place: usize| rule.to_utc(&fields[place].date_time().unwrap().stamp().unwrap(), None).unwrap();
        let number = |place: usize| usize::try_from(fields[place].integer().unwrap()).unwrap();
        let mut rows: Vec<Data> = Vec::new();
        let mut ordered: Vec<&(Timestamp, Vec<Data>)> = self.rows.iter().collect();
        if self.newest_first {
            ordered.reverse();
        }
        let (mut from, mut to) = (Timestamp::MIN, Timestamp::MAX);
        if access != Access::Ignored && selective.is_some_and(|one| one.selector == 1) {
            (from, to) = (limit(1), limit(2));
        }
        for (place, (at, values)) in ordered.into_iter().enumerate() {
            let is_in = match selective {
                Some(one) if one.selector == 2 && access != Access::Ignored => {
                    (number(0)..=number(1)).contains(&(place + 1))
                }
                _ => (from..=to).contains(at),
            };
            if is_in {
                rows.push(self.row(rule, *at, values));
            }
        }
        let count = self.rows.len();
        if rows.is_empty() && access == Access::Works && fields.len() == 4 && count > 0 {
            let kept = match self.beyond {
                _ if selective.is_some_and(|one| one.selector != 2) => 0,
                Beyond::Empty => 0,
                Beyond::Last => 1,
                Beyond::All => count,
            };
            let mut stamped: Vec<_> =
                self.rows.iter().map(|(at, values)| self.row(rule, *at, values)).collect();
            rows = stamped.split_off(count - kept);
        }
        if rows.is_empty() { self.empty.clone() } else { Ok(Data::Array(rows)) }
    }

    fn row(&self, rule: &ClockRule, at: Timestamp, values: &[Data]) -> Data {
        let stamp = CosemDateTime::from_stamp(&rule.to_stamp(at));
        let mut values = values.iter();
        let is_clock = |one: &CaptureObject| one.class_id == 8;
        let fields = self.captured.iter().map(|one| {
            if is_clock(one) {
                Data::Octets(stamp.0.to_vec())
            } else {
                values.next().cloned().unwrap_or(Data::Null)
            }
        });
        Data::Structure(fields.collect())
    }
}

impl Link for FakeMeter {
    async fn connect(&mut self, _client: u16) -> Result<(), LinkError> {
        Ok(())
    }

    async fn send(&mut self, apdu: &[u8]) -> Result<(), LinkError> {
        self.exchanges += 1;
        if self.cut_after.is_some_and(|after| self.exchanges > after) {
            return Err(LinkError::Closed);
        }
        let (apdu, _) = Apdu::decode(apdu).unwrap();
        let answer = self.handle(apdu).encode();
        if self.chokes_above.is_none_or(|most| answer.len() <= most) {
            self.outbox.push_back(answer);
        }
        Ok(())
    }

    async fn receive(&mut self, wait: Duration) -> Result<Vec<u8>, LinkError> {
        let waited_ms = u64::try_from(wait.as_millis()).unwrap();
        self.outbox.pop_front().ok_or(LinkError::Timeout { what: "a request", waited_ms })
    }

    async fn disconnect(&mut self) {}
}

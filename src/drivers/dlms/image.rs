//! The image transfer object (class 18, IEC 62056-6-2) and what a flash must know of its meter: questions and orders,
//! one by one. What comes after what is decided in `firmware`.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use crate::drivers::{MeterAccess, ReadRequest, ReadSink};
use crate::model::{Blame, Fault, Knowledge, Obis, ObjectEntry, What};
use crate::protocol::dlms::{
    AttributeRef, BitString, Conformance, CosemDateTime, CounterStore, Data, DataAccessResult, DlmsError,
    MethodRef,
};
use crate::protocol::link::Link;

use super::faults::{self, TEMPORARY_FAILURE, fault};
use super::identity::DATA;
use super::session::{Session, learn_message_size};
use super::timed_link::TimedLink;
use super::values::plate_text;

/// Image transfer.
const IMAGE_TRANSFER: u16 = 18;
/// Single action schedule.
const SCHEDULE: u16 = 22;
/// Active firmware identifier (IEC 62056-61), and where else meters have it.
const ACTIVE_FIRMWARE: [Obis; 3] =
    [Obis::new(1, 0, 0, 2, 0, 255), Obis::new(1, 1, 0, 2, 0, 255), Obis::new(0, 0, 0, 2, 0, 255)];
/// COSEM logical device name.
const LOGICAL_DEVICE_NAME: Obis = Obis::new(0, 0, 42, 0, 0, 255);

/// A link for one image session after the other.
#[derive(Debug)]
pub struct ImageLine<'l, L> {
    timed: TimedLink<'l, L>,
    request: ReadRequest,
}

/// An association in which firmware is spoken of.
pub struct ImageSession<'s, 'l, L: Link> {
    session: Session<'s, 'l, L>,
    object: Obis,
}

/// What a meter says of itself that a package is held against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeterFirmware {
    /// The version that it runs.
    pub version: Option<String>,
    /// Its serial number, which is among `texts`.
    pub serial: Option<String>,
    /// The maker: the three letters of the logical device name, or what the plate says.
    pub maker: Option<String>,
    /// The model, where the template names its object.
    pub model: Option<String>,
    /// The hardware revision, where the template names its object.
    pub hardware: Option<String>,
    /// Everything on its plate.
    pub texts: Vec<String>,
}

/// One image that the meter would activate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    /// Bytes.
    pub size: u64,
    /// Its identification.
    pub identification: Vec<u8>,
    /// Its signature, as the meter has it.
    pub signature: Vec<u8>,
}

/// Which blocks a meter has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits(BitString);

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invoked {
    /// Done.
    Done,
    /// The meter is still at it, or cannot right now.
    Busy,
    /// It will not: why, in words.
    Refused(String),
}

impl Bits {
    /// Whether the meter has a block; one beyond the last bit it has not.
    #[must_use]
    pub fn has(&self, number: u32) -> bool {
        let Ok(place) = usize::try_from(number) else { return false };
        place < self.0.len && self.0.bytes.get(place / 8).is_some_and(|byte| byte >> (7 - place % 8) & 1 == 1)
    }

    /// So many bits, these of them set.
    #[must_use]
    pub fn of(length: u32, set: &[u32]) -> Self {
        let len = usize::try_from(length).unwrap_or(0);
        let mut bytes = vec![0u8; len.div_ceil(8)];
        for number in set {
            let place = usize::try_from(*number).unwrap_or(usize::MAX);
            if let Some(byte) = bytes.get_mut(place / 8) {
                *byte |= 0x80 >> (place % 8);
            }
        }
        Self(BitString { len, bytes })
    }
}

impl<'l, L: Link> ImageLine<'l, L> {
    /// Over a link.
    pub fn new(link: &'l mut L) -> Self {
        let what = BTreeSet::from([What::Identity]);
        Self { timed: TimedLink::new(link), request: ReadRequest { what, from: None, to: None } }
    }

    /// Closes the link without a word.
    pub async fn hang_up(&mut self) {
        self.timed.disconnect().await;
    }
}

fn texts_at() -> Vec<Obis> {
    let mut all = vec![LOGICAL_DEVICE_NAME];
    all.extend((0..10).map(|e| Obis::new(0, 0, 96, 1, e, 255)));
    all.extend((0..2).map(|e| Obis::new(1, 0, 0, 0, e, 255)));
    all
}

fn image_info(data: &Data) -> Option<Vec<ImageInfo>> {
    let one = |entry: &Data| -> Option<ImageInfo> {
        let [size, identification, signature, ..] = entry.elements()? else { return None };
        Some(ImageInfo {
            size: u64::try_from(size.integer()?).ok()?,
            identification: identification.bytes()?.to_vec(),
            signature: signature.bytes().unwrap_or_default().to_vec(),
        })
    };
    match data {
        Data::Null => Some(Vec::new()),
        // Some meters give the one structure without an array around it.
        Data::Structure(elements) if elements.first().is_some_and(|first| first.integer().is_some()) => {
            Some(vec![one(data)?])
        }
        _ => data.elements()?.iter().map(one).collect(),
    }
}

impl<'s, 'l, L: Link> ImageSession<'s, 'l, L> {
    /// Opens the link and the association.
    ///
    /// # Errors
    /// In words, with whose fault it was.
    pub async fn open(
        line: &'s mut ImageLine<'l, L>,
        access: &'s MeterAccess,
        counter: &'s mut dyn CounterStore,
        knowledge: &'s mut Knowledge,
        sink: &'s mut dyn ReadSink,
    ) -> Result<Self, Fault> {
        let ImageLine { timed, request } = line;
        let session = match Session::open(timed, access, request, counter, knowledge, sink).await {
            Ok(session) => session,
            Err(fault) => return Err(fault),
        };
        let named = access.template.firmware.image;
        let transfers = |entry: &&ObjectEntry| entry.class_id == IMAGE_TRANSFER;
        let listed: Vec<Obis> =
            session.knowledge.objects.iter().filter(transfers).map(|one| one.obis).collect();
        let object = match listed.first() {
            Some(first) if !listed.contains(&named) => *first,
            _ => named,
        };
        Ok(Self { session, object })
    }

    /// Says goodbye as suits how it ended: a line that is gone needs none.
    pub async fn close(mut self, is_line_gone: bool) {
        self.session.tell_oddities();
        learn_message_size(self.session.knowledge, &self.session.access.template, is_line_gone);
        if !is_line_gone {
            self.session.release().await;
        }
    }

    /// Reads who the meter is, and checks that it is the one that was meant.
    ///
    /// # Errors
    /// The session broke off, or another meter answered.
    pub async fn identify(&mut self) -> Result<MeterFirmware, Fault> {
        self.session.run().await?;
        let tuning = &self.session.access.template.firmware;
        let (model, hardware) = (tuning.model, tuning.hardware);
        let mut wanted = texts_at();
        wanted.extend([model, hardware].into_iter().flatten());
        let questions = wanted.iter().map(|obis| AttributeRef::new(DATA, *obis, 2)).collect();
        let answers = self.session.ask(questions).await?;
        let given = |obis: Obis| answers.data(DATA, obis, 2).and_then(plate_text);
        let identity = &self.session.knowledge.identity;
        let mut texts: Vec<String> = wanted.iter().filter_map(|obis| given(*obis)).collect();
        texts.extend(identity.more.iter().map(|(_, value)| value.clone()));
        texts.extend([&identity.model, &identity.maker, &identity.serial].into_iter().flatten().cloned());
        texts.sort();
        texts.dedup();
        let serial = identity.serial.clone();
        let (model, hardware) = (model.and_then(given), hardware.and_then(given));
        let model = model.or_else(|| identity.model.clone());
        let maker = identity.maker.clone().or_else(|| {
            let name = given(LOGICAL_DEVICE_NAME)?;
            name.get(..3)
                .filter(|letters| letters.chars().all(|c| c.is_ascii_alphabetic()))
                .map(str::to_owned)
        });
        let version = self.version().await?;
        Ok(MeterFirmware { version, serial, maker, model, hardware, texts })
    }

    /// The version that the meter runs, read now.
    ///
    /// # Errors
    /// The session broke off.
    pub async fn version(&mut self) -> Result<Option<String>, Fault> {
        let template = &self.session.access.template;
        let plate = template.objects.identity.iter().find(|one| one.role == "firmware").map(|one| one.obis);
        let named = template.firmware.version.or(plate);
        let usual = ACTIVE_FIRMWARE.into_iter().filter(|_| named.is_none());
        for object in named.into_iter().chain(usual) {
            let answer = self.session.ask_one(&AttributeRef::new(DATA, object, 2)).await?;
            let text = answer.ok().and_then(|data| plate_text(&data));
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    async fn read(&mut self, attribute: i8) -> Result<Result<Data, DataAccessResult>, Fault> {
        self.session.ask_one(&AttributeRef::new(IMAGE_TRANSFER, self.object, attribute)).await
    }

    /// Bytes of a block.
    ///
    /// # Errors
    /// The session broke off, or the meter has no image transfer that this client sees.
    pub async fn block_size(&mut self) -> Result<u32, Fault> {
        let what = format!("the image block size ({} attribute 2)", self.object.short());
        let data = self.read(2).await?.map_err(|result| faults::refusal(&what, result))?;
        let size = data.integer().and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0);
        size.ok_or_else(|| {
            Fault::meter(format!("{what} makes no sense"), "look at the answer in the job's trace")
        })
    }

    /// Why blocks of so many bytes may be too long for the meter; nothing where they fit into its messages, or go in
    /// pieces (`facts/dlms-quirks.md`, 88).
    #[must_use]
    pub fn too_long(&self, block_size: u32) -> Option<String> {
        let association = &self.session.association;
        let most = association.negotiated().server_max_pdu;
        let in_pieces = Conformance::BLOCK_TRANSFER_ACTION | Conformance::GENERAL_BLOCK_TRANSFER;
        // No message is longer than 65535 octets.
        let length = usize::try_from(block_size).unwrap_or(usize::MAX).min(usize::from(u16::MAX));
        if self.session.offers(in_pieces) || association.takes(self.block(0, vec![0; length])) {
            return None;
        }
        Some(format!(
            "the meter wants blocks of {block_size} bytes, takes messages of {most}, and no requests in pieces: they \
             are sent whole"
        ))
    }

    /// How a session ended with the first block that was sent, where that block is too long: trying again changes nothing
    /// where the meter itself turned it away.
    #[must_use]
    pub fn fault_of_length(&self, fault: Fault, block_size: u32) -> Fault {
        if !matches!(fault.blame, Blame::Meter | Blame::Line) {
            return fault;
        }
        let Some(why) = self.too_long(block_size) else { return fault };
        Fault {
            message: format!("{} ({why})", fault.message),
            advice: "waiting does not help: try another client address, whose association may take longer messages \
                     or pieces; see that the template's `association.without` rules out neither \
                     block-transfer-with-action nor general-block-transfer; else ask the maker how this model is loaded"
                .to_owned(),
            passing: fault.passing && fault.blame == Blame::Line,
            ..fault
        }
    }

    /// Which blocks the meter has; nothing where it does not say.
    ///
    /// # Errors
    /// The session broke off.
    pub async fn bitmap(&mut self) -> Result<Option<Bits>, Fault> {
        Ok(match self.read(3).await? {
            Ok(Data::BitString(bits)) if bits.len > 0 => Some(Bits(bits)),
            Ok(Data::Octets(bytes)) if !bytes.is_empty() => {
                Some(Bits(BitString { len: bytes.len() * 8, bytes }))
            }
            _ => None,
        })
    }

    /// The first block that the meter misses; nothing where it does not say. Meters err here: the bitmap is believed
    /// where there is one (`facts/dlms-quirks.md`, 87).
    ///
    /// # Errors
    /// The session broke off.
    pub async fn first_missing(&mut self) -> Result<Option<u32>, Fault> {
        let data = self.read(4).await?.ok();
        Ok(data.and_then(|data| data.integer()).and_then(|number| u32::try_from(number).ok()))
    }

    /// Whether image transfer is enabled; nothing where the meter does not say.
    ///
    /// # Errors
    /// The session broke off.
    pub async fn is_enabled(&mut self) -> Result<Option<bool>, Fault> {
        Ok(self.read(5).await?.ok().and_then(|data| data.integer()).map(|flag| flag != 0))
    }

    /// image_transfer_status; nothing where the meter does not say.
    ///
    /// # Errors
    /// The session broke off.
    pub async fn status(&mut self) -> Result<Option<u8>, Fault> {
        let data = self.read(6).await?.ok();
        Ok(data.and_then(|data| data.integer()).and_then(|number| u8::try_from(number).ok()))
    }

    /// What the meter would activate; nothing where it does not say (`facts/dlms-quirks.md`, 59).
    ///
    /// # Errors
    /// The session broke off.
    pub async fn to_activate(&mut self) -> Result<Option<Vec<ImageInfo>>, Fault> {
        Ok(self.read(7).await?.ok().and_then(|data| image_info(&data)))
    }

    /// Enables image transfer.
    ///
    /// # Errors
    /// The session broke off, or the meter refused.
    pub async fn enable(&mut self) -> Result<(), Fault> {
        let what = format!("enabling image transfer ({} attribute 5)", self.object.short());
        let attribute = AttributeRef::new(IMAGE_TRANSFER, self.object, 5);
        let done = self.session.association.set(&attribute, &Data::Bool(true)).await;
        done.map_err(|error| fault(error).during(&what))?;
        self.session.sink.wrote("image transfer enabled")
    }

    fn method(&self, method: i8) -> MethodRef {
        MethodRef { class_id: IMAGE_TRANSFER, obis: self.object, method }
    }

    fn block(&self, number: u32, bytes: Vec<u8>) -> (MethodRef, Data) {
        (self.method(2), Data::Structure(vec![Data::U32(number), Data::Octets(bytes)]))
    }

    /// Invokes a method.
    async fn invoke(&mut self, method: i8, parameter: &Data) -> Result<Invoked, Fault> {
        let method = self.method(method);
        match self.session.association.action(&method, Some(parameter)).await {
            Ok(_) => Ok(Invoked::Done),
            Err(DlmsError::Access { result, .. }) if result.0 == TEMPORARY_FAILURE.0 => Ok(Invoked::Busy),
            Err(DlmsError::Access { result, .. }) => Ok(Invoked::Refused(faults::words(result).to_owned())),
            Err(error) => Err(fault(error).during(&format!("invoking {method}"))),
        }
    }

    /// Tells which image comes.
    ///
    /// # Errors
    /// The session broke off.
    pub async fn initiate(&mut self, identifier: &[u8], size: u32) -> Result<Invoked, Fault> {
        let parameter = Data::Structure(vec![Data::Octets(identifier.to_vec()), Data::U32(size)]);
        self.invoke(1, &parameter).await
    }

    /// Sends a block.
    ///
    /// # Errors
    /// The session broke off.
    pub async fn send_block(&mut self, number: u32, bytes: Vec<u8>) -> Result<Invoked, Fault> {
        let (method, parameter) = self.block(number, bytes);
        self.invoke(method.method, &parameter).await
    }

    /// Has the image verified.
    ///
    /// # Errors
    /// The session broke off.
    pub async fn verify(&mut self) -> Result<Invoked, Fault> {
        self.invoke(3, &Data::I8(0)).await
    }

    /// Has the image activated.
    ///
    /// # Errors
    /// The session broke off; the meter may have restarted before it answered.
    pub async fn activate(&mut self) -> Result<Invoked, Fault> {
        self.invoke(4, &Data::I8(0)).await
    }

    /// Sets the schedule of the activation, and reads it back.
    ///
    /// # Errors
    /// The session broke off, the meter has no such schedule, or keeps another time.
    pub async fn arm(&mut self, at: Timestamp) -> Result<(), Fault> {
        let object = self.session.access.template.firmware.schedule;
        let what = format!("the schedule of the activation ({})", object.short());
        let attribute = AttributeRef::new(SCHEDULE, object, 4);
        let stamp = CosemDateTime::from_stamp(&self.session.rule.to_stamp(at)).0;
        let [y1, y2, month, day, weekday, hour, minute, second, ..] = stamp;
        let time = Data::Octets(vec![hour, minute, second, 0]);
        let date = Data::Octets(vec![y1, y2, month, day, weekday]);
        let value = Data::Array(vec![Data::Structure(vec![time, date])]);
        let set = self.session.association.set(&attribute, &value).await;
        set.map_err(|error| {
            let mut fault = fault(error).during(&what);
            fault.advice =
                "activate at once, within a maintenance window, where the model has no schedule".to_owned();
            fault
        })?;
        self.session.sink.wrote(&format!("activation of the new firmware scheduled at {at}"))?;
        let kept = self.session.ask_one(&attribute).await?;
        let is_kept = kept.is_ok_and(|kept| is_same_moment(&kept, hour, minute, [y1, y2, month, day]));
        if is_kept {
            Ok(())
        } else {
            Err(Fault::meter(
                format!("{what} did not come back as written"),
                "look at it in the job's trace; nothing is activated before that time",
            ))
        }
    }

    /// Puts what was done to the meter into the audit chain.
    ///
    /// # Errors
    /// The sink failed.
    pub fn wrote(&mut self, what: &str) -> Result<(), Fault> {
        self.session.sink.wrote(what)
    }

    /// Something worth a line.
    pub fn remark(&mut self, text: String) {
        self.session.sink.remark(text);
    }

    /// A step of the session.
    pub fn step(&mut self, step: crate::model::Step) {
        self.session.sink.step(step);
    }

    /// This computer's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.session.now()
    }

    /// The pause between two looks at a meter that verifies.
    pub async fn pause(&self) {
        sleep(Duration::from_millis(self.session.access.template.firmware.poll_ms.into())).await;
    }
}

/// Whether a schedule that was read has its only time at this minute of this day.
fn is_same_moment(kept: &Data, hour: u8, minute: u8, day: [u8; 4]) -> bool {
    let Some([entry]) = kept.elements() else { return false };
    let Some([time, date]) = entry.elements() else { return false };
    let octets = |data: &Data| match data {
        Data::Time(time) => time.0.to_vec(),
        Data::Date(date) => date.0.to_vec(),
        other => other.bytes().unwrap_or_default().to_vec(),
    };
    octets(time).starts_with(&[hour, minute]) && octets(date).starts_with(&day)
}

/// Whether a session that ended so still has a line.
#[must_use]
pub fn is_line_gone(fault: &Fault) -> bool {
    fault.blame == Blame::Line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_meter_would_activate_is_read_in_every_form_that_meters_write() {
        let entry =
            || Data::Structure(vec![Data::U32(600), Data::Octets(b"id".to_vec()), Data::Octets(vec![1, 2])]);
        let wanted = ImageInfo { size: 600, identification: b"id".to_vec(), signature: vec![1, 2] };
        assert_eq!(image_info(&Data::Array(vec![entry()])), Some(vec![wanted.clone()]));
        assert_eq!(image_info(&entry()), Some(vec![wanted]));
        assert_eq!(image_info(&Data::Array(Vec::new())), Some(Vec::new()));
        assert_eq!(image_info(&Data::Null), Some(Vec::new()));
        assert_eq!(image_info(&Data::U8(1)), None);
    }

    #[test]
    fn the_first_block_is_the_highest_bit() {
        let bits = Bits(BitString { len: 9, bytes: vec![0b1010_0000, 0b1000_0000] });
        let set: Vec<u32> = (0..20).filter(|number| bits.has(*number)).collect();
        assert_eq!(set, [0, 2, 8]);
        assert_eq!(Bits::of(9, &[0, 2, 8]), bits);
    }
}

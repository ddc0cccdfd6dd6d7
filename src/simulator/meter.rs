//! One virtual meter: its objects over its record, and what it may be asked by whom.

use crate::model::{Auth, Obis, ObjectEntry};
use crate::protocol::dlms::{AttributeRef, Data, DataAccessResult, MethodRef};

use super::clock::{Grid, MeterClock};
use super::load::{Load, Premises};
use super::objects::{
    AssociationObject, AssociationView, Clock, Column, Contactor, Context, DataObject, DataSource,
    DemandRegister, ExtendedRegister, ImageSchedule, ImageTransfer, LastFailure, Object, Profile,
    ProfileKind, PushSetup, Quantity, Register, SapAssignment, ScriptTable, SecuritySetup, TariffObject,
    TariffRegister, refusal,
};
use super::outage::Outages;
use super::quirks::Quirk;
use super::record::{Log, Record};
use super::settings::{MAKER, Settings};
use super::tariff::CLOCK_FAILURE;

/// Rows of the load and instrumentation profiles: at half an hour, 120 days.
pub(crate) const PROFILE_ROWS: usize = 5760;
/// Rows of the daily profile.
pub(crate) const DAILY_ROWS: usize = 400;

/// 0-0:96.1.0, the number on the plate.
pub(crate) const SERIAL: Obis = Obis::new(0, 0, 96, 1, 0, 255);
/// 1-0:99.1.0, the load profile.
pub const LOAD_PROFILE: Obis = Obis::new(1, 0, 99, 1, 0, 255);

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Read what is public.
    Public,
    /// Read everything.
    Read,
    /// Read, write, invoke.
    Full,
}

/// One virtual meter.
#[derive(Debug)]
pub struct VirtualMeter {
    settings: Settings,
    record: Record,
    objects: Vec<Box<dyn Object>>,
    /// The lowest invocation counter that a ciphering client may still use.
    pub(super) least_counter: u32,
    /// The counter that the meter's own next ciphered answer takes; some clients take 0 for a replay.
    pub(super) own_counter: u32,
}

impl VirtualMeter {
    /// The meter that follows from its settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let outages = Outages::new(settings.seed, settings.outage_days, settings.installed, settings.began);
        let load = Load::new(
            settings.premises,
            settings.seed,
            settings.zone.clone(),
            settings.solar,
            settings.installed,
            outages,
        );
        let offset_ms = i64::from(settings.faults.clock_seconds) * 1000;
        let clock = MeterClock::new(settings.clock_rule(), offset_ms, settings.drift_ppb, settings.began);
        let mut record = Record::new(load, clock, settings.seed);
        record.firmware().set_faults(settings.faults.image);
        let objects = objects(&settings);
        let least_counter = settings.faults.counter;
        Self { settings, record, objects, least_counter, own_counter: 1 }
    }

    /// Its settings.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its record: what tests compare with what was read.
    pub const fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    /// Its clock, to look at.
    pub(crate) const fn clock_of(&self) -> &MeterClock {
        self.record.clock()
    }

    /// The object list as a client with these rights sees it.
    #[must_use]
    pub fn catalogue(&self, rights: Rights) -> Vec<ObjectEntry> {
        let mut catalogue: Vec<ObjectEntry> = self
            .objects
            .iter()
            .map(|object| object.entry().clone())
            .filter(|entry| rights != Rights::Public || self.is_public(entry))
            .collect();
        if rights != Rights::Full {
            for entry in &mut catalogue {
                // Without write, without methods; reply_to_HLS_authentication is everybody's.
                entry.attributes.iter_mut().for_each(|(_, mode)| *mode &= 1);
                if entry.class_id != 15 {
                    entry.methods.iter_mut().for_each(|(_, mode)| *mode = 0);
                }
            }
        }
        catalogue
    }

    fn is_public(&self, entry: &ObjectEntry) -> bool {
        let always = matches!(entry.class_id, 8 | 15 | 17)
            || entry.obis == SERIAL
            || matches!((entry.obis.a(), entry.obis.c()), (0, 42 | 43));
        always || self.settings.public_reads_all
    }

    /// The value of an attribute.
    ///
    /// # Errors
    /// The object is not there, or refuses.
    pub fn get(
        &mut self,
        attribute: &AttributeRef,
        association: &AssociationView,
        rights: Rights,
        now_ms: i64,
    ) -> Result<Data, DataAccessResult> {
        self.run_tariff(now_ms);
        let place = self.find(attribute.class_id, attribute.obis, rights)?;
        if attribute.attribute == 1 {
            return Ok(super::objects::name(attribute.obis));
        }
        let mode = self.mode(place, attribute.attribute)?;
        if mode & 1 == 0 {
            return Err(refusal::DENIED);
        }
        let catalogue = if attribute.class_id == 15 { self.catalogue(rights) } else { Vec::new() };
        let Self { settings, record, objects, .. } = self;
        let object = objects.get(place).ok_or(refusal::OBJECT_UNDEFINED)?;
        let mut context = Context { record, settings, catalogue: &catalogue, association, now_ms };
        object.get(attribute.attribute, attribute.selective.as_ref(), &mut context)
    }

    /// Writes an attribute.
    ///
    /// # Errors
    /// The object is not there, may not be written by this client, or refuses.
    pub fn set(
        &mut self,
        attribute: &AttributeRef,
        value: &Data,
        association: &AssociationView,
        rights: Rights,
        now_ms: i64,
    ) -> Result<(), DataAccessResult> {
        self.run_tariff(now_ms);
        let place = self.find(attribute.class_id, attribute.obis, rights)?;
        if rights != Rights::Full || self.mode(place, attribute.attribute)? & 2 == 0 {
            return Err(refusal::DENIED);
        }
        let Self { settings, record, objects, .. } = self;
        let object = objects.get_mut(place).ok_or(refusal::OBJECT_UNDEFINED)?;
        let mut context = Context { record, settings, catalogue: &[], association, now_ms };
        object.set(attribute.attribute, value, &mut context)
    }

    /// Invokes a method.
    ///
    /// # Errors
    /// The object is not there, the client may not, or the object refuses.
    pub fn invoke(
        &mut self,
        method: &MethodRef,
        parameter: Option<&Data>,
        association: &AssociationView,
        rights: Rights,
        now_ms: i64,
    ) -> Result<Option<Data>, DataAccessResult> {
        self.run_tariff(now_ms);
        let place = self.find(method.class_id, method.obis, rights)?;
        if rights != Rights::Full {
            return Err(refusal::DENIED);
        }
        let Self { settings, record, objects, .. } = self;
        let object = objects.get_mut(place).ok_or(refusal::OBJECT_UNDEFINED)?;
        let mut context = Context { record, settings, catalogue: &[], association, now_ms };
        object.invoke(method.method, parameter, &mut context)
    }

    /// An attribute as the management client reads it, without a wire in between: for tests that compare.
    ///
    /// # Errors
    /// As [`VirtualMeter::get`].
    pub fn look(&mut self, attribute: &AttributeRef, now_ms: i64) -> Result<Data, DataAccessResult> {
        let view = AssociationView {
            client: 1,
            server: 1,
            auth: Auth::None,
            context: 1,
            conformance: 0,
            max_receive: self.settings.max_pdu,
            max_send: u16::MAX,
            client_title: Vec::new(),
            last_counter: self.least_counter.saturating_sub(1),
        };
        self.get(attribute, &view, Rights::Full, now_ms)
    }

    /// Lets the tariff go on to now, and shows the registers that it brings.
    fn run_tariff(&mut self, now_ms: i64) {
        self.record.run_firmware(now_ms);
        self.record.run_tariff(now_ms.div_euclid(1000));
        for (obis, is_demand) in self.record.take_new_registers() {
            self.objects.retain(|object| object.entry().obis != obis);
            self.objects.push(Box::new(TariffRegister::new(obis, is_demand)));
        }
    }

    fn find(&self, class_id: u16, obis: Obis, rights: Rights) -> Result<usize, DataAccessResult> {
        let place = self.objects.iter().position(|object| object.entry().obis == obis);
        let place = place.ok_or(refusal::OBJECT_UNDEFINED)?;
        let entry = self.objects.get(place).map(|object| object.entry()).ok_or(refusal::OBJECT_UNDEFINED)?;
        if entry.class_id != class_id {
            return Err(refusal::CLASS_INCONSISTENT);
        }
        if rights == Rights::Public && !self.is_public(entry) {
            return Err(refusal::DENIED);
        }
        Ok(place)
    }

    fn mode(&self, place: usize, attribute: i8) -> Result<u8, DataAccessResult> {
        let entry = self.objects.get(place).map(|object| object.entry()).ok_or(refusal::OBJECT_UNDEFINED)?;
        let found = entry.attributes.iter().find(|(number, _)| *number == attribute);
        found.map(|(_, mode)| *mode).ok_or(refusal::OBJECT_UNDEFINED)
    }

    /// The association object that the meter's clients use.
    #[must_use]
    pub const fn association_name(&self) -> Obis {
        association_name(&self.settings)
    }
}

const fn association_name(settings: &Settings) -> Obis {
    let e = if settings.faults.quirks.has(Quirk::OtherObjects) { 5 } else { 0 };
    Obis::new(0, 0, 40, 0, e, 255)
}

const fn counter_name(settings: &Settings) -> Obis {
    let e = if settings.faults.quirks.has(Quirk::OtherObjects) { 5 } else { 0 };
    Obis::new(0, 0, 43, 1, e, 255)
}

fn objects(settings: &Settings) -> Vec<Box<dyn Object>> {
    let mut all: Vec<Box<dyn Object>> = vec![
        Box::new(SapAssignment::new()),
        Box::new(AssociationObject::new(association_name(settings))),
        Box::new(SecuritySetup::new()),
        Box::new(DataObject::new(counter_name(settings), DataSource::LastCounter)),
        Box::new(Clock::new()),
        Box::new(ScriptTable::new()),
        Box::new(Contactor::new()),
        Box::new(ImageTransfer::new()),
        Box::new(ImageSchedule::new()),
        Box::new(PushSetup::new()),
        Box::new(DemandRegister::new()),
        Box::new(LastFailure::new()),
        Box::new(ExtendedRegister::new(Quantity::MaximumImport)),
        Box::new(ExtendedRegister::new(Quantity::MaximumExport)),
    ];
    for object in TariffObject::all() {
        all.push(Box::new(object));
    }
    for object in plate(settings) {
        all.push(Box::new(object));
    }
    for quantity in quantities(settings.premises) {
        all.push(Box::new(Register::new(quantity, settings.period)));
    }
    for profile in profiles(settings) {
        all.push(Box::new(profile));
    }
    all
}

fn plate(settings: &Settings) -> Vec<DataObject> {
    let ratio =
        |e, value| DataObject::new(Obis::new(1, 0, 0, 4, e, 255), DataSource::Settable(Data::U32(value)));
    let abstract_ = |c, d, e| Obis::new(0, 0, c, d, e, 255);
    let model = match settings.premises {
        Premises::Household => "MTW-101",
        Premises::Shop => "MTW-301",
        Premises::Factory => "MTW-305 CT",
    };
    let transformer = if settings.premises == Premises::Factory { (200, 5) } else { (1, 1) };
    let mut plate = vec![
        DataObject::text(abstract_(42, 0, 0), &settings.logical_device_name()),
        DataObject::text(SERIAL, &settings.serial()),
        DataObject::text(abstract_(96, 1, 1), model),
        DataObject::text(abstract_(96, 1, 2), MAKER),
        DataObject::new(Obis::new(1, 0, 0, 2, 0, 255), DataSource::Firmware),
        DataObject::new(abstract_(96, 14, 0), DataSource::Rate),
        DataObject::new(abstract_(96, 10, 1), DataSource::ProfileStatus),
        DataObject::new(abstract_(96, 11, 0), DataSource::LastEvent(Log::Standard)),
        DataObject::new(abstract_(96, 11, 1), DataSource::LastEvent(Log::Fraud)),
        DataObject::new(abstract_(96, 7, 21), DataSource::FailureCount),
        DataObject::new(Obis::new(1, 0, 0, 1, 0, 255), DataSource::BillingCount),
        ratio(2, transformer.0),
        ratio(5, transformer.1),
        ratio(3, 1),
        ratio(6, 1),
        // What the standard has no name for: the template `dlms-meterwright` names these.
        DataObject::new(abstract_(128, 1, 1), DataSource::Settable(Data::Array(Vec::new()))),
        DataObject::new(abstract_(128, 1, 2), DataSource::Settable(Data::Array(Vec::new()))),
        DataObject::new(abstract_(128, 1, 3), DataSource::Settable(Data::U8(6))),
        DataObject::new(CLOCK_FAILURE, DataSource::Settable(Data::Enum(0))),
    ];
    if settings.faults.quirks.has(Quirk::HardwareFaults) {
        plate.push(DataObject::new(abstract_(96, 1, 5), DataSource::Broken));
    }
    plate
}

fn quantities(premises: Premises) -> Vec<Quantity> {
    let mut all = vec![
        Quantity::Import(0),
        Quantity::Import(1),
        Quantity::Import(2),
        Quantity::Export(0),
        Quantity::Export(1),
        Quantity::Export(2),
        Quantity::ReactiveImport,
        Quantity::ReactiveExport,
        Quantity::Quadrant(1),
        Quantity::Quadrant(2),
        Quantity::Quadrant(3),
        Quantity::Quadrant(4),
        Quantity::IntervalImport,
        Quantity::IntervalExport,
        Quantity::IntervalReactiveImport,
        Quantity::IntervalReactiveExport,
        Quantity::ImportPower,
        Quantity::ExportPower,
        Quantity::ImportVars,
        Quantity::ExportVars,
        Quantity::ApparentPower,
        Quantity::PowerFactor,
        Quantity::Frequency,
    ];
    for phase in phases(premises) {
        all.extend([
            Quantity::Voltage(phase),
            Quantity::Current(phase),
            Quantity::AverageVoltage(phase),
            Quantity::AverageCurrent(phase),
        ]);
    }
    all
}

fn phases(premises: Premises) -> std::ops::Range<u8> {
    if premises.phases() == 1 { 0..1 } else { 0..3 }
}

fn profiles(settings: &Settings) -> Vec<Profile> {
    let electricity = |d, e| Obis::new(1, 0, 99, d, e, 255);
    let period = Grid::Period(settings.period);
    let mut load = vec![Column::CLOCK];
    load.extend(settings.captures_status.then_some(Column::STATUS));
    load.extend(load_quantities().map(Column::quantity));
    let mut daily = vec![Column::CLOCK, Column::STATUS];
    daily.extend(
        [Quantity::Import(0), Quantity::Import(1), Quantity::Import(2), Quantity::Export(0)]
            .map(Column::quantity),
    );
    let mut instrumentation = vec![Column::CLOCK, Column::STATUS];
    for phase in phases(settings.premises) {
        instrumentation.push(Column::quantity(Quantity::AverageVoltage(phase)));
        instrumentation.push(Column::quantity(Quantity::AverageCurrent(phase)));
    }
    let mut billing = vec![Column::CLOCK];
    billing.extend(
        [
            Quantity::Import(0),
            Quantity::Import(1),
            Quantity::Import(2),
            Quantity::Export(0),
            Quantity::ReactiveImport,
            Quantity::ReactiveExport,
            Quantity::MaximumImport,
        ]
        .map(Column::quantity),
    );
    billing.push(Column::capture_time(Quantity::MaximumImport));
    let log = |obis, log, columns| Profile::new(obis, ProfileKind::Log(log), columns);
    vec![
        Profile::new(LOAD_PROFILE, ProfileKind::Grid(period, PROFILE_ROWS), load),
        Profile::new(electricity(2, 0), ProfileKind::Grid(Grid::Midnight, DAILY_ROWS), daily),
        Profile::new(electricity(14, 0), ProfileKind::Grid(period, PROFILE_ROWS), instrumentation),
        Profile::new(Obis::new(0, 0, 98, 1, 0, 255), ProfileKind::Billing, billing),
        log(Obis::new(0, 0, 99, 98, 0, 255), Log::Standard, vec![Column::CLOCK, Column::code(0)]),
        log(Obis::new(0, 0, 99, 98, 1, 255), Log::Fraud, vec![Column::CLOCK, Column::code(1)]),
        log(electricity(97, 0), Log::SupplyFailures, vec![Column::CLOCK, Column::SECONDS]),
    ]
}

/// The channels of the load profile: four energies of 32 bits, two averages of 16.
pub fn load_quantities() -> impl Iterator<Item = Quantity> {
    [
        Quantity::IntervalImport,
        Quantity::IntervalExport,
        Quantity::IntervalReactiveImport,
        Quantity::IntervalReactiveExport,
        Quantity::AverageVoltage(0),
        Quantity::AverageCurrent(0),
    ]
    .into_iter()
}

//! Single moves of the sequence: an attribute written and read back, an activation called off, asked for and confirmed.

use std::time::Duration;

use crate::model::Fault;
use crate::model::tariff::{DayRow, MaskRow, NO_TIME, ScriptRow, SeasonRow, SpecialDayRow, WeekRow};
use crate::protocol::dlms::tariff::date_time;
use crate::protocol::dlms::{AttributeRef, Data, MethodRef};
use crate::protocol::link::Link;
use crate::scheme::cosem::{Layout, is_unspecified};

use super::super::faults::fault;
use super::super::session::Session;
use super::settings::{Setting, is_same, is_same_table};
use super::standing::{At, Standing, class};

/// Pause before an activation is looked for again: some meters take their time.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How often it is looked for.
const LOOKS: u32 = 5;
/// Whether a table of the calendar, or of what it refers to, came back as it was written.
fn came_back(standing: &Standing, setting: &Setting, read: Option<&Data>) -> bool {
    let objects = &standing.objects;
    let wrote = &setting.value;
    fn rows_of<R: crate::protocol::dlms::tariff::Row + PartialEq>(wrote: &Data, read: Option<&Data>) -> bool {
        crate::protocol::dlms::tariff::rows::<R>(wrote).is_ok_and(|wrote| is_same_table(&wrote, read))
    }
    match setting.at {
        (class::CALENDAR, _, 3 | 7) => rows_of::<SeasonRow>(wrote, read),
        (class::CALENDAR, _, 4 | 8) => rows_of::<WeekRow>(wrote, read),
        (class::CALENDAR, _, 5 | 9) => rows_of::<DayRow>(wrote, read),
        (class::CALENDAR, _, 2 | 6) => read.and_then(Data::bytes) == wrote.bytes(),
        (class::SPECIAL_DAYS, obis, 2) if obis == objects.special_days => {
            rows_of::<SpecialDayRow>(wrote, read)
        }
        (class::SCRIPTS, obis, 2) if obis == objects.scripts => rows_of::<ScriptRow>(wrote, read),
        (class::ACTIVATION, _, 3) => rows_of::<MaskRow>(wrote, read),
        _ => read.is_some_and(|read| is_same(wrote, read)),
    }
}

impl<L: Link> Session<'_, '_, L> {
    /// Calls off an activation that is due, so that nothing half-written takes over.
    pub(super) async fn call_off(&mut self, standing: &mut Standing) -> Result<(), Fault> {
        let at = (class::CALENDAR, standing.objects.calendar, 10);
        if is_unspecified(standing.tables.activate_at) {
            return Ok(());
        }
        let none = Setting {
            what: "the time of activation (none)".to_owned(),
            at,
            value: Data::Octets(NO_TIME.to_vec()),
        };
        self.put(standing, std::slice::from_ref(&none)).await?;
        let values = self.values(&[at]).await?;
        let is_off = values.get(&at).and_then(date_time).is_some_and(is_unspecified);
        standing.values.extend(values);
        standing.understand()?;
        if !is_off {
            return Err(Fault::meter(
                "the meter keeps an activation that is due, and will not have it called off",
                "wait until it has passed, then write the scheme",
            ));
        }
        Ok(())
    }

    /// Writes what differs from what stands there.
    pub(super) async fn put(&mut self, standing: &mut Standing, writes: &[Setting]) -> Result<(), Fault> {
        for setting in writes {
            if came_back(standing, setting, standing.value(setting.at)) {
                continue;
            }
            let (class_id, obis, number) = setting.at;
            let attribute = AttributeRef::new(class_id, obis, number);
            // What an interrupted write leaves behind is not known until it is read again.
            standing.values.remove(&setting.at);
            let done = self.association.set(&attribute, &setting.value).await;
            done.map_err(|error| fault(error).during(&format!("writing {} ({attribute})", setting.what)))?;
            self.sink.wrote(&format!("wrote {} ({attribute})", setting.what))?;
        }
        Ok(())
    }

    /// Reads back what was written, and compares.
    pub(super) async fn look(&mut self, standing: &mut Standing, writes: &[Setting]) -> Result<(), Fault> {
        let asked: Vec<At> = writes.iter().map(|setting| setting.at).collect();
        let values = self.values(&asked).await?;
        for setting in writes {
            if !came_back(standing, setting, values.get(&setting.at)) {
                return Err(Fault::meter(
                    format!("{} ({}) does not read back as it was written", setting.what, setting.at.1),
                    "look at both in the job's trace",
                ));
            }
        }
        standing.values.extend(values);
        standing.understand()
    }

    /// Lets the passive calendar take over, and confirms it by reading.
    pub(super) async fn activate(&mut self, standing: &mut Standing, layout: &Layout) -> Result<(), Fault> {
        let calendar = standing.objects.calendar;
        let method = MethodRef { class_id: class::CALENDAR, obis: calendar, method: 1 };
        let answer = self.association.action(&method, Some(&Data::I8(0))).await;
        let answer = answer.map_err(|error| fault(error).during("activating the passive calendar"));
        if answer.is_ok() {
            self.sink.wrote("activated the passive calendar")?;
        }
        // Some meters refuse and do it; what counts is what stands there afterwards.
        let refused = match answer {
            Err(fault) if fault.blame == crate::model::Blame::Line => return Err(fault),
            other => other.err(),
        };
        let active: Vec<At> = (2..=5).map(|number| (class::CALENDAR, calendar, number)).collect();
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            let values = self.values(&active).await?;
            standing.values.extend(values);
            if standing.calendar(2).is_ok_and(|stands| stands == layout.calendar) {
                return standing.understand();
            }
            if refused.is_some() {
                break;
            }
        }
        Err(refused.unwrap_or_else(|| {
            Fault::meter(
                "the meter said that it had activated the calendar, but another one is in force",
                "look at the calendar's attributes in the job's trace",
            )
        }))
    }

    /// Writes settings one by one, each read back.
    pub(super) async fn put_settings(
        &mut self,
        standing: &mut Standing,
        writes: &[Setting],
    ) -> Result<(), Fault> {
        for setting in writes {
            self.put(standing, std::slice::from_ref(setting)).await?;
        }
        self.look(standing, writes).await
    }
}

//! The sequence by which a scheme comes into a meter.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use crate::drivers::Activation;
use crate::model::tariff::CalendarTables;
use crate::model::{Fault, MeterStamp, ProgramPhase, Step};
use crate::protocol::dlms::tariff::table;
use crate::protocol::dlms::{CosemDateTime, Data};
use crate::protocol::link::Link;
use crate::scheme::cosem::{Ground, Layout, Meaning, Means, is_unspecified, special_rows};
use crate::scheme::{Document, Latent, Tariff};

use super::super::session::Session;
use super::settings::{self, Setting};
use super::standing::{At, Standing, class};

/// A clock that is off by more is worth a word: a tariff goes by the meter's clock.
const CLOCK_OFF_S: i64 = 60;

/// When a calendar takes over.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Due {
    Now,
    At(CosemDateTime),
    Never,
}

/// How far a session came, for whoever has to say what stands in the meter after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The calendar in force is as it was.
    Beside,
    /// The activation was asked for and not confirmed.
    Activating,
    /// The new calendar is in force.
    InForce,
}

/// Says what stands in the meter after a failure.
fn left_behind(mut fault: Fault, stage: Stage) -> Fault {
    let (stands, advice) = match stage {
        Stage::Beside => (
            "the tariff in force is unchanged; the passive side may be written in part",
            "write the scheme again, which finishes what is left, or leave it: nothing takes over by itself",
        ),
        Stage::Activating => (
            "the activation is not confirmed: either the old tariff or the new one is in force, whole",
            "write the scheme again, which finds out and finishes",
        ),
        Stage::InForce => (
            "the new tariff is in force; settings beside it may still be the old ones",
            "write the scheme again, which finishes what is left; to go back, restore what stood there before",
        ),
    };
    fault.message = format!("{}; {stands}", fault.message);
    fault.advice =
        if fault.advice.is_empty() { advice.to_owned() } else { format!("{}; {advice}", fault.advice) };
    fault
}

fn means(standing: &Standing) -> Means {
    let objects = &standing.objects;
    let can_follow = standing.tables.scripts.is_some() && standing.tables.activation.is_some();
    let changes = [
        (class::SCRIPTS, objects.scripts, 2),
        (class::ACTIVATION, objects.register_activation, 2),
        (class::ACTIVATION, objects.register_activation, 3),
    ];
    match (can_follow, changes.iter().all(|at| standing.may_write(*at))) {
        (true, true) => Means::Masks,
        (true, false) => Means::Scripts,
        (false, _) => Means::Rates,
    }
}

/// A local time as the meter's clock shows it, its deviation left open.
fn wall_time(at: DateTime) -> CosemDateTime {
    CosemDateTime::from_stamp(&MeterStamp { local: at, deviation_minutes: None, clock_status: None })
}

/// The calendar's attribute with a number, and what should stand there.
fn calendar_writes(standing: &Standing, first: i8, calendar: &CalendarTables) -> Vec<Setting> {
    let at = |number: i8| (class::CALENDAR, standing.objects.calendar, first + number);
    let setting = |what: &str, at: At, value: Data| Setting { what: what.to_owned(), at, value };
    vec![
        setting("the passive day profiles", at(3), table(&calendar.days)),
        setting("the passive week profiles", at(2), table(&calendar.weeks)),
        setting("the passive season profile", at(1), table(&calendar.seasons)),
        setting("the passive calendar's name", at(0), Data::Octets(calendar.name.clone())),
    ]
}

impl<L: Link> Session<'_, '_, L> {
    /// Writes a scheme; see the module's first comment.
    ///
    /// # Errors
    /// The scheme does not fit, or the session broke off; with what stands in the meter then.
    pub(super) async fn write_scheme(
        &mut self,
        document: &Document,
        activation: Activation,
    ) -> Result<(), Fault> {
        self.run().await?;
        self.sink.step(Step::Programming(ProgramPhase::Standing));
        let mut standing = self.standing().await?;
        self.check_clock(&standing);
        self.check_rights(&standing)?;
        let due = self.due(document, activation, &standing)?;
        let found = self.seen(&standing, Some(document));
        let is_in_force = found.oddities.is_empty()
            && found.document.identity == document.identity
            && Meaning::of(&found.document.tariff, &found.document.registers)
                == Meaning::of(&document.tariff, &document.registers);
        let wanted = settings::wanted(document, &standing);
        let layout = self.lay_out(document, &document.tariff, &standing)?;
        self.tell_beforehand(&layout, &wanted, due);
        let before = self.seen(&standing, None);
        let is_said = before.oddities.is_empty() && !standing.tables.active.days.is_empty();
        let (before, notes) = settings::read(before.document, &standing);
        let before = Some(&before).filter(|_| is_said && !notes.is_unclear);
        self.sink.stood(&standing.kept(), before, is_in_force)?;

        if is_in_force {
            self.sink.remark("this tariff is in force already".to_owned());
        } else {
            self.install(&mut standing, &layout, due).await?;
        }
        if due != Due::Now {
            return Ok(());
        }
        let finished = async {
            self.sink.step(Step::Programming(ProgramPhase::Settings));
            if document.latent.is_none() {
                self.call_off(&mut standing).await?;
            }
            self.clear_away(&mut standing).await?;
            self.put_settings(&mut standing, &wanted.writes).await?;
            if let Some(latent) = &document.latent {
                self.install_latent(&mut standing, document, latent).await?;
                self.clear_away(&mut standing).await?;
            }
            Ok(())
        };
        finished.await.map_err(|fault| left_behind(fault, Stage::InForce))
    }

    /// A clock that is off is told: the tariff goes by it.
    fn check_clock(&mut self, standing: &Standing) {
        let off = self.meter_time(standing).map(|meter| meter.duration_since(self.now()).as_secs());
        if let Some(off) = off.filter(|off| off.abs() > CLOCK_OFF_S) {
            let way = if off > 0 { "fast" } else { "slow" };
            self.sink.remark(format!(
                "the meter's clock is {} s {way}: the tariff switches by it; set the clock",
                off.abs()
            ));
        }
    }

    /// What the meter's clock said; nothing where it does not tell the time.
    fn meter_time(&self, standing: &Standing) -> Option<Timestamp> {
        let stamp = standing.clock_stamp()?;
        self.rule.to_utc(&stamp, None).ok()
    }

    /// What the meter's list says of this client's rights.
    fn check_rights(&self, standing: &Standing) -> Result<(), Fault> {
        let calendar = standing.objects.calendar;
        let locked = (6..=9).any(|number| !standing.may_write((class::CALENDAR, calendar, number)));
        if locked {
            return Err(Fault::meter(
                format!("this client may not write the passive calendar ({})", calendar.short()),
                "use an association with more rights; nothing was written",
            ));
        }
        Ok(())
    }

    fn due(&self, document: &Document, activation: Activation, standing: &Standing) -> Result<Due, Fault> {
        let now = self.meter_time(standing).map_or(self.now(), |meter| meter.max(self.now()));
        if document.latent.is_some() && activation != Activation::Now {
            return Err(Fault::user(
                "the scheme has a latent tariff, which takes the meter's passive side",
                "activate the scheme now: its latent tariff then waits on the passive side",
            ));
        }
        match activation {
            Activation::Now => Ok(Due::Now),
            Activation::Never => Ok(Due::Never),
            Activation::At(at) if at <= now => {
                Err(Fault::user(format!("the time of activation {at} has gone by"), "activate it now"))
            }
            Activation::At(at) => Ok(Due::At(CosemDateTime::from_stamp(&self.rule.to_stamp(at)))),
        }
    }

    /// A tariff as tables for this meter, beside what is in force.
    fn lay_out(&self, document: &Document, tariff: &Tariff, standing: &Standing) -> Result<Layout, Fault> {
        let kept = [&standing.tables.active];
        let ground = Ground {
            standing: &standing.tables,
            kept: &kept,
            means: means(standing),
            objects: &standing.objects,
            classes: &standing.registers,
            today: self.gone_by(standing, tariff.special_days.len()),
        };
        let layout = ground.lay_out(document, tariff).map_err(|problems| {
            Fault::user(
                format!("this meter cannot take the scheme: {}", problems.join("; ")),
                "nothing was written; change the scheme, or its template",
            )
        })?;
        let special_days = ground.kept_special_days().len() + layout.special_days.len();
        let at = (class::SPECIAL_DAYS, standing.objects.special_days, 2);
        let has_table = standing.value(at).is_some() && standing.may_write(at);
        if !layout.special_days.is_empty() && !has_table {
            return Err(Fault::meter(
                format!("the meter has no special days table that this client may write ({})", at.1.short()),
                "nothing was written; take the special days out of the scheme, or use an association with more rights",
            ));
        }
        let most = self.template().limits.special_days;
        if u32::try_from(special_days).unwrap_or(u32::MAX) > most {
            return Err(Fault::user(
                format!(
                    "{special_days} special days, those in force and the new ones side by side, are more than the {most} that the meter's table holds"
                ),
                "nothing was written; take dated special days that have gone by out of the scheme",
            ));
        }
        Ok(layout)
    }

    /// Special days in force that ended before this are given up: none, unless the meter's table is too short for
    /// them and the new ones side by side.
    fn gone_by(&self, standing: &Standing, new: usize) -> Date {
        let most = usize::try_from(self.template().limits.special_days).unwrap_or(usize::MAX);
        if standing.tables.special_days.len() + new <= most {
            return Date::MIN;
        }
        self.rule.zone.to_datetime(self.now()).date()
    }

    /// Everything that will not be as the scheme says, before anything is written.
    fn tell_beforehand(&mut self, layout: &Layout, wanted: &settings::Wanted, due: Due) {
        for note in layout.notes.iter().chain(&wanted.cannot) {
            self.sink.remark(format!("not taken by this meter: {note}"));
        }
        for setting in &wanted.writes {
            match (due, setting.at) {
                (Due::Now, (class::PROFILE, _, 4)) => self.sink.remark(format!(
                    "{}: a meter empties its profile when its period changes; what it held is gone unless it was read",
                    setting.what
                )),
                (Due::Now, _) => {}
                _ => self.sink.remark(format!(
                    "{} would change at once and is left as it is: write the scheme again when it is to take effect",
                    setting.what
                )),
            }
        }
    }

    /// Lays a tariff beside the one in force, and lets it take over when it is due.
    async fn install(&mut self, standing: &mut Standing, layout: &Layout, due: Due) -> Result<(), Fault> {
        let beside = async {
            self.sink.step(Step::Programming(ProgramPhase::Beside));
            self.call_off(standing).await?;
            let writes = self.side_by_side(standing, layout);
            self.put(standing, &writes).await?;
            self.sink.step(Step::Programming(ProgramPhase::Compared));
            self.look(standing, &writes).await
        };
        beside.await.map_err(|fault| left_behind(fault, Stage::Beside))?;
        if due != Due::Never {
            self.sink.step(Step::Programming(ProgramPhase::Activating));
        }
        let at = (class::CALENDAR, standing.objects.calendar, 10);
        match due {
            Due::Never => Ok(()),
            Due::At(time) => {
                let time = Setting {
                    what: "the time of activation".to_owned(),
                    at,
                    value: Data::Octets(time.0.to_vec()),
                };
                let armed = async {
                    self.put(standing, std::slice::from_ref(&time)).await?;
                    self.look(standing, std::slice::from_ref(&time)).await
                };
                armed.await.map_err(|fault| left_behind(fault, Stage::Activating))
            }
            Due::Now => {
                self.activate(standing, layout).await.map_err(|fault| left_behind(fault, Stage::Activating))
            }
        }
    }

    /// All that is written before the calendars change places.
    fn side_by_side(&self, standing: &Standing, layout: &Layout) -> Vec<Setting> {
        let objects = &standing.objects;
        let mut writes = Vec::new();
        let mut write = |what: &str, at: At, value: Data| {
            writes.push(Setting { what: what.to_owned(), at, value });
        };
        if let Some(activation) = &layout.activation {
            let at = |number| (class::ACTIVATION, objects.register_activation, number);
            write("the register assignment", at(2), table(&activation.registers));
            write("the register masks", at(3), table(&activation.masks));
        }
        if let Some(scripts) = &layout.scripts {
            write("the script table", (class::SCRIPTS, objects.scripts, 2), table(scripts));
        }
        let at = (class::SPECIAL_DAYS, objects.special_days, 2);
        if standing.value(at).is_some() {
            let kept = [&standing.tables.active];
            let ground = Ground {
                standing: &standing.tables,
                kept: &kept,
                means: Means::Masks,
                objects,
                classes: &[],
                today: self.gone_by(standing, layout.special_days.len()),
            };
            let mut days = ground.kept_special_days();
            days.extend(&layout.special_days);
            write("the special days", at, table(&special_rows(&days)));
        }
        writes.extend(calendar_writes(standing, 6, &layout.calendar));
        writes
    }

    /// Puts the latent tariff on the passive side, to take over by itself.
    async fn install_latent(
        &mut self,
        standing: &mut Standing,
        document: &Document,
        latent: &Latent,
    ) -> Result<(), Fault> {
        let zone = &self.rule.zone;
        let at = zone.to_ambiguous_zoned(latent.activate_at).compatible().map(|at| at.timestamp());
        if at.is_ok_and(|at: Timestamp| at <= self.now()) {
            return Err(Fault::user(
                format!("the latent tariff's activation {} has gone by", latent.activate_at),
                "make it the scheme's tariff, or give it another time",
            ));
        }
        let found = self.seen(standing, Some(document)).document.latent;
        let registers = &document.registers;
        let waits = found.is_some_and(|found| {
            found.activate_at == latent.activate_at
                && Meaning::of(&found.tariff, registers) == Meaning::of(&latent.tariff, registers)
        });
        if waits {
            return Ok(());
        }
        let layout = self.lay_out(document, &latent.tariff, standing)?;
        self.install(standing, &layout, Due::At(wall_time(latent.activate_at))).await
    }

    /// Takes out of the shared tables what neither calendar that holds needs.
    async fn clear_away(&mut self, standing: &mut Standing) -> Result<(), Fault> {
        let is_armed = !is_unspecified(standing.tables.activate_at);
        let mut kept = vec![&standing.tables.active];
        kept.extend(is_armed.then_some(&standing.tables.passive));
        let objects = standing.objects.clone();
        let ground = Ground {
            standing: &standing.tables,
            kept: &kept,
            means: Means::Masks,
            objects: &objects,
            classes: &[],
            today: Date::MIN,
        };
        let mut writes = Vec::new();
        let special = (class::SPECIAL_DAYS, objects.special_days, 2);
        if standing.value(special).is_some() && standing.may_write(special) {
            let value = table(&special_rows(&ground.kept_special_days()));
            writes.push(Setting { what: "the special days".to_owned(), at: special, value });
        }
        if means(standing) == Means::Masks {
            let scripts = ground.kept_scripts();
            let masks = ground.kept_masks(&scripts).masks;
            let mask_at = (class::ACTIVATION, objects.register_activation, 3);
            let script_at = (class::SCRIPTS, objects.scripts, 2);
            let (scripts, masks) = (table(&scripts), table(&masks));
            // Scripts first: none may name a mask that is gone.
            writes.push(Setting { what: "the script table".to_owned(), at: script_at, value: scripts });
            writes.push(Setting { what: "the register masks".to_owned(), at: mask_at, value: masks });
        }
        self.put(standing, &writes).await?;
        self.look(standing, &writes).await
    }
}

//! The sections of a scheme file, one function each.

use jiff::civil::{DateTime, Time, Weekday};

use super::super::document::{
    Billing, BillingDate, ClockFailureResponse, Colour, CustomerDefined, DatePattern, DayType,
    DaylightSaving, DemandPeriod, DemandRegister, Display, Document, DstRule, EnergyRegister, FIRST_YEAR,
    FORMAT, Instrumentation, InstrumentationChannel, Keep, LAST_YEAR, Latent, LoadProfile, Measurand,
    MonthDay, Output, OutputFunction, Phase, Ratio, Registers, Season, SeasonStart, Source, SpecialDay,
    Switch, Tariff, Transformers, Week, WeekOfMonth, weekday,
};
use super::super::json::{Value, quoted};
use super::super::problem::Code;
use super::{Reader, Spot};
use crate::model::{Decimal, Divisor, Obis, Side};

impl Reader {
    pub(super) fn document(&mut self, spot: &Spot<'_>) -> Option<Document> {
        const KEYS: [&str; 17] = [
            "format",
            "identity",
            "title",
            "note",
            "template",
            "time_zone",
            "registers",
            "tariff",
            "demand",
            "billing",
            "profile",
            "instrumentation",
            "display",
            "clock",
            "clock_failure",
            "transformers",
            "outputs",
        ];
        let keys: Vec<&str> = KEYS.into_iter().chain(["latent"]).collect();
        let fields = self.object(spot, &keys, KEYS.len())?;
        self.get(&fields, "format", |reader, spot| reader.format(spot, FORMAT));
        let blank = Document::blank("", "");
        Some(Document {
            identity: self.get(&fields, "identity", Self::text).unwrap_or_default(),
            title: self.get(&fields, "title", Self::text).unwrap_or_default(),
            note: self.get(&fields, "note", Self::text).unwrap_or_default(),
            template: self.get(&fields, "template", Self::text).unwrap_or_default(),
            time_zone: self.get(&fields, "time_zone", Self::text).unwrap_or_default(),
            registers: self.get(&fields, "registers", Self::registers).unwrap_or_default(),
            tariff: self.get(&fields, "tariff", Self::tariff).unwrap_or_default(),
            latent: self.get(&fields, "latent", Self::latent),
            demand: self.get(&fields, "demand", Self::demand).unwrap_or(blank.demand),
            billing: self.get(&fields, "billing", Self::billing).unwrap_or_default(),
            profile: self.get(&fields, "profile", Self::profile).unwrap_or(blank.profile),
            instrumentation: self
                .get(&fields, "instrumentation", Self::instrumentation)
                .unwrap_or(blank.instrumentation),
            display: self.get(&fields, "display", Self::display).unwrap_or(blank.display),
            dst: self.get(&fields, "clock", Self::clock).flatten(),
            clock_failure: self
                .get(&fields, "clock_failure", Self::clock_failure)
                .unwrap_or(blank.clock_failure),
            transformers: self.get(&fields, "transformers", Self::transformers).unwrap_or(blank.transformers),
            outputs: self.get(&fields, "outputs", Self::outputs).unwrap_or_default(),
        })
    }

    fn registers(&mut self, spot: &Spot<'_>) -> Option<Registers> {
        let fields = self.whole(spot, &["energy", "demand", "customer_defined"])?;
        Some(Registers {
            energy: self.get(&fields, "energy", Self::energy_registers).unwrap_or_default(),
            demand: self.get(&fields, "demand", Self::demand_registers).unwrap_or_default(),
            customer_defined: self.get(&fields, "customer_defined", Self::sums).unwrap_or_default(),
        })
    }

    fn energy_registers(&mut self, spot: &Spot<'_>) -> Option<Vec<EnergyRegister>> {
        let build = |id, title, source, obis, colour| EnergyRegister { id, title, source, obis, colour };
        let stand_in =
            || build(String::new(), String::new(), Source::ActiveImport, Obis([0; 6]), Colour::default());
        self.list(spot, stand_in, |reader, spot| {
            let fields = reader.whole(spot, &["id", "title", "source", "obis", "colour"])?;
            Some(build(
                reader.get(&fields, "id", Self::text).unwrap_or_default(),
                reader.get(&fields, "title", Self::text).unwrap_or_default(),
                reader.get(&fields, "source", Self::parsed).unwrap_or(Source::ActiveImport),
                reader.get(&fields, "obis", Self::parsed).unwrap_or(Obis([0; 6])),
                reader.get(&fields, "colour", Self::parsed).unwrap_or_default(),
            ))
        })
    }

    fn demand_registers(&mut self, spot: &Spot<'_>) -> Option<Vec<DemandRegister>> {
        let build = |id, title, source, obis, highest| DemandRegister { id, title, source, obis, highest };
        let stand_in = || build(String::new(), String::new(), Source::ActiveImport, Obis([0; 6]), 1);
        self.list(spot, stand_in, |reader, spot| {
            let fields = reader.whole(spot, &["id", "title", "source", "obis", "highest"])?;
            Some(build(
                reader.get(&fields, "id", Self::text).unwrap_or_default(),
                reader.get(&fields, "title", Self::text).unwrap_or_default(),
                reader.get(&fields, "source", Self::parsed).unwrap_or(Source::ActiveImport),
                reader.get(&fields, "obis", Self::parsed).unwrap_or(Obis([0; 6])),
                reader.get(&fields, "highest", Self::count).unwrap_or(1),
            ))
        })
    }

    fn sums(&mut self, spot: &Spot<'_>) -> Option<Vec<CustomerDefined>> {
        let build = |id, title, sources| CustomerDefined { id, title, sources };
        self.list(
            spot,
            || build(String::new(), String::new(), Vec::new()),
            |reader, spot| {
                let fields = reader.whole(spot, &["id", "title", "sources"])?;
                Some(build(
                    reader.get(&fields, "id", Self::text).unwrap_or_default(),
                    reader.get(&fields, "title", Self::text).unwrap_or_default(),
                    reader.get(&fields, "sources", Self::sources).unwrap_or_default(),
                ))
            },
        )
    }

    fn tariff(&mut self, spot: &Spot<'_>) -> Option<Tariff> {
        let fields = self.whole(spot, &["day_types", "weeks", "seasons", "special_days"])?;
        Some(Tariff {
            day_types: self
                .get(&fields, "day_types", |reader, spot| reader.list(spot, DayType::default, Self::day_type))
                .unwrap_or_default(),
            weeks: self
                .get(&fields, "weeks", |reader, spot| reader.list(spot, Week::default, Self::week))
                .unwrap_or_default(),
            seasons: self.get(&fields, "seasons", Self::seasons).unwrap_or_default(),
            special_days: self.get(&fields, "special_days", Self::special_days).unwrap_or_default(),
        })
    }

    fn day_type(&mut self, spot: &Spot<'_>) -> Option<DayType> {
        let fields = self.whole(spot, &["id", "title", "switches"])?;
        let switch = |reader: &mut Self, spot: &Spot<'_>| {
            let fields = reader.whole(spot, &["at", "on"])?;
            Some(Switch {
                at: reader.get(&fields, "at", Self::parsed).unwrap_or_default(),
                on: reader.get(&fields, "on", Self::texts).unwrap_or_default(),
            })
        };
        Some(DayType {
            id: self.get(&fields, "id", Self::text).unwrap_or_default(),
            title: self.get(&fields, "title", Self::text).unwrap_or_default(),
            switches: self
                .get(&fields, "switches", |reader, spot| reader.list(spot, Switch::default, switch))
                .unwrap_or_default(),
        })
    }

    fn week(&mut self, spot: &Spot<'_>) -> Option<Week> {
        let fields = self.whole(spot, &["id", "days"])?;
        let days = self.get(&fields, "days", |reader, spot| {
            let days = reader.texts(spot)?;
            <[String; 7]>::try_from(days).map_or_else(
                |days| {
                    let message =
                        format!("{} day types stand here: a week has seven, Monday first", days.len());
                    reader.refuse(Code::BadValue, spot, message)
                },
                Some,
            )
        });
        Some(Week {
            id: self.get(&fields, "id", Self::text).unwrap_or_default(),
            days: days.unwrap_or_default(),
        })
    }

    fn seasons(&mut self, spot: &Spot<'_>) -> Option<Vec<Season>> {
        let first = SeasonStart::Yearly(MonthDay::NEW_YEAR);
        let build = |id, title, starts, week| Season { id, title, starts, week };
        self.list(
            spot,
            || build(String::new(), String::new(), first, String::new()),
            |reader, spot| {
                let fields = reader.whole(spot, &["id", "title", "starts", "week"])?;
                Some(build(
                    reader.get(&fields, "id", Self::text).unwrap_or_default(),
                    reader.get(&fields, "title", Self::text).unwrap_or_default(),
                    reader.get(&fields, "starts", Self::parsed).unwrap_or(first),
                    reader.get(&fields, "week", Self::text).unwrap_or_default(),
                ))
            },
        )
    }

    fn special_days(&mut self, spot: &Spot<'_>) -> Option<Vec<SpecialDay>> {
        let any = DatePattern::ANY;
        self.list(
            spot,
            || SpecialDay { date: any, day_type: String::new() },
            |reader, spot| {
                let fields = reader.whole(spot, &["date", "day_type"])?;
                Some(SpecialDay {
                    date: reader.get(&fields, "date", Self::parsed).unwrap_or(any),
                    day_type: reader.get(&fields, "day_type", Self::text).unwrap_or_default(),
                })
            },
        )
    }

    fn latent(&mut self, spot: &Spot<'_>) -> Option<Latent> {
        let fields = self.whole(spot, &["activate_at", "tariff"])?;
        Some(Latent {
            activate_at: self
                .get(&fields, "activate_at", |reader, spot| reader.parsed_by(spot, local_time))
                .unwrap_or_default(),
            tariff: self.get(&fields, "tariff", Self::tariff).unwrap_or_default(),
        })
    }

    fn demand(&mut self, spot: &Spot<'_>) -> Option<DemandPeriod> {
        let fields = self.whole(spot, &["period_minutes", "sub_intervals"])?;
        Some(DemandPeriod {
            period_minutes: self.get(&fields, "period_minutes", Self::count).unwrap_or(30),
            sub_intervals: self.get(&fields, "sub_intervals", Self::count).unwrap_or(1),
        })
    }

    fn billing(&mut self, spot: &Spot<'_>) -> Option<Billing> {
        let fields = self.whole(
            spot,
            &["dates", "on_season_change", "on_tariff_change", "manual_lockout_minutes", "button"],
        )?;
        let stand_in = || BillingDate { date: DatePattern::ANY, time: Time::midnight() };
        Some(Billing {
            dates: self
                .get(&fields, "dates", |reader, spot| reader.list(spot, stand_in, Self::parsed))
                .unwrap_or_default(),
            on_season_change: self.get(&fields, "on_season_change", Self::flag).unwrap_or_default(),
            on_tariff_change: self.get(&fields, "on_tariff_change", Self::flag).unwrap_or_default(),
            manual_lockout_minutes: self
                .get(&fields, "manual_lockout_minutes", Self::count)
                .unwrap_or_default(),
            button: self.get(&fields, "button", Self::flag).unwrap_or_default(),
        })
    }

    fn profile(&mut self, spot: &Spot<'_>) -> Option<LoadProfile> {
        let fields = self.whole(spot, &["period_minutes", "channels", "follows_dst"])?;
        Some(LoadProfile {
            period_minutes: self.get(&fields, "period_minutes", Self::count).unwrap_or(30),
            channels: self.get(&fields, "channels", Self::sources).unwrap_or_default(),
            follows_dst: self.get(&fields, "follows_dst", Self::flag).unwrap_or_default(),
        })
    }

    fn instrumentation(&mut self, spot: &Spot<'_>) -> Option<Instrumentation> {
        let fields = self.whole(spot, &["period_minutes", "channels"])?;
        let build = |quantity, phase, keep| InstrumentationChannel { quantity, phase, keep };
        let channel = |reader: &mut Self, spot: &Spot<'_>| {
            let fields = reader.whole(spot, &["quantity", "phase", "keep"])?;
            Some(build(
                reader.get(&fields, "quantity", Self::parsed).unwrap_or(Measurand::Voltage),
                reader.get(&fields, "phase", Self::parsed).unwrap_or(Phase::Total),
                reader.get(&fields, "keep", Self::parsed).unwrap_or(Keep::Average),
            ))
        };
        let stand_in = || build(Measurand::Voltage, Phase::Total, Keep::Average);
        Some(Instrumentation {
            period_minutes: self.get(&fields, "period_minutes", Self::count).unwrap_or(30),
            channels: self
                .get(&fields, "channels", |reader, spot| reader.list(spot, stand_in, channel))
                .unwrap_or_default(),
        })
    }

    fn display(&mut self, spot: &Spot<'_>) -> Option<Display> {
        let fields = self.whole(spot, &["seconds", "auto", "manual"])?;
        let codes = |reader: &mut Self, spot: &Spot<'_>| reader.list(spot, || Obis([0; 6]), Self::parsed);
        Some(Display {
            seconds: self.get(&fields, "seconds", Self::count).unwrap_or(6),
            auto: self.get(&fields, "auto", codes).unwrap_or_default(),
            manual: self.get(&fields, "manual", codes).unwrap_or_default(),
        })
    }

    fn clock(&mut self, spot: &Spot<'_>) -> Option<Option<DaylightSaving>> {
        let fields = self.whole(spot, &["dst"])?;
        self.get(&fields, "dst", |reader, spot| {
            if spot.node.value == Value::Null {
                return Some(None);
            }
            let fields = reader.whole(spot, &["shift_hours", "starts", "ends"])?;
            Some(Some(DaylightSaving {
                shift_hours: reader.get(&fields, "shift_hours", Self::count).unwrap_or(1),
                starts: reader.get(&fields, "starts", Self::dst_rule).unwrap_or(DstRule::STAND_IN),
                ends: reader.get(&fields, "ends", Self::dst_rule).unwrap_or(DstRule::STAND_IN),
            }))
        })
    }

    fn dst_rule(&mut self, spot: &Spot<'_>) -> Option<DstRule> {
        let fields = self.whole(spot, &["month", "week", "weekday", "hour"])?;
        Some(DstRule {
            month: self.get(&fields, "month", Self::count).unwrap_or(DstRule::STAND_IN.month),
            week: self.get(&fields, "week", Self::week_of_month).unwrap_or(WeekOfMonth::Last),
            weekday: self
                .get(&fields, "weekday", |reader, spot| reader.parsed_by(spot, weekday))
                .unwrap_or(Weekday::Sunday),
            hour: self.get(&fields, "hour", Self::count).unwrap_or_default(),
        })
    }

    /// A word, or 1 to 4 as meters number them.
    fn week_of_month(&mut self, spot: &Spot<'_>) -> Option<WeekOfMonth> {
        let Value::Number(text) = &spot.node.value else { return self.parsed(spot) };
        let week = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match week.filter(|index| *index < 4).and_then(|index| WeekOfMonth::ALL.get(index)) {
            Some(week) => Some(*week),
            None => {
                let message = format!("{text} is not a week of the month: write 1 to 4, or \"last\"");
                self.refuse(Code::BadValue, spot, message)
            }
        }
    }

    fn clock_failure(&mut self, spot: &Spot<'_>) -> Option<ClockFailureResponse> {
        let fields = self.whole(spot, &["response"])?;
        self.get(&fields, "response", Self::parsed)
    }

    fn transformers(&mut self, spot: &Spot<'_>) -> Option<Transformers> {
        let fields = self.whole(spot, &["ct", "vt", "registers_in"])?;
        Some(Transformers {
            ct: self.get(&fields, "ct", Self::ratio).unwrap_or(Ratio::ONE),
            vt: self.get(&fields, "vt", Self::ratio).unwrap_or(Ratio::ONE),
            registers_in: self
                .get(&fields, "registers_in", |reader, spot| reader.parsed_by(spot, side))
                .unwrap_or_default(),
        })
    }

    fn ratio(&mut self, spot: &Spot<'_>) -> Option<Ratio> {
        let fields = self.whole(spot, &["primary", "secondary"])?;
        let figure = |reader: &mut Self, spot: &Spot<'_>| reader.parsed_by(spot, plate_figure);
        let mut side = |name: &'static str| {
            self.get(&fields, name, figure).unwrap_or((Ratio::ONE.primary, Divisor::One))
        };
        let ((primary, above), (secondary, below)) = (side("primary"), side("secondary"));
        Some(Ratio { primary, secondary, divisors: [above, below] })
    }

    fn outputs(&mut self, spot: &Spot<'_>) -> Option<Vec<Output>> {
        let stand_in = || Output {
            id: String::new(),
            title: String::new(),
            function: OutputFunction::Follow { register: String::new() },
        };
        self.list(spot, stand_in, Self::output)
    }

    fn output(&mut self, spot: &Spot<'_>) -> Option<Output> {
        const PULSE: [&str; 5] = ["id", "title", "function", "source", "pulses_per_kilo"];
        const FOLLOW: [&str; 4] = ["id", "title", "function", "register"];
        let follows = match &spot.node.value {
            Value::Object(members) => members.iter().any(|member| {
                member.key == "function" && member.node.value == Value::Text("follow".to_owned())
            }),
            _ => false,
        };
        let fields = if follows { self.whole(spot, &FOLLOW)? } else { self.whole(spot, &PULSE)? };
        self.get(&fields, "function", |reader, spot| {
            reader.parsed_by(spot, |text| match text {
                "pulse" | "follow" => Ok(()),
                _ => Err(format!("{} is not what an output can do: write pulse or follow", quoted(text))),
            })
        });
        let function = if follows {
            OutputFunction::Follow { register: self.get(&fields, "register", Self::text).unwrap_or_default() }
        } else {
            OutputFunction::Pulse {
                source: self.get(&fields, "source", Self::parsed).unwrap_or(Source::ActiveImport),
                pulses_per_kilo: self.get(&fields, "pulses_per_kilo", Self::count).unwrap_or(1),
            }
        };
        Some(Output {
            id: self.get(&fields, "id", Self::text).unwrap_or_default(),
            title: self.get(&fields, "title", Self::text).unwrap_or_default(),
            function,
        })
    }
}

/// `2027-04-01T00:00:00`, nothing shorter or longer.
fn local_time(text: &str) -> Result<DateTime, String> {
    let time = text.parse::<DateTime>().ok().filter(|time| {
        (FIRST_YEAR..=LAST_YEAR).contains(&time.year())
            && time.strftime("%Y-%m-%dT%H:%M:%S").to_string() == text
    });
    time.ok_or_else(|| {
        format!(
            "{} is not a local date and time: write YYYY-MM-DDTHH:MM:SS, such as 2027-04-01T00:00:00",
            quoted(text)
        )
    })
}

/// One side of a transformer's plate: a plain number, which may be divided by √3 or 3.
fn plate_figure(text: &str) -> Result<(Decimal, Divisor), String> {
    let Some((number, divisor)) = text.split_once('/') else {
        return plain_decimal(text).map(|number| (number, Divisor::One));
    };
    let divisor = Divisor::from_word(divisor)
        .ok_or_else(|| format!("{} is not a side of a ratio: behind its / stands √3 or 3", quoted(text)))?;
    plain_decimal(number).map(|number| (number, divisor))
}

/// Digits with a point at most: what a transformer's plate says.
fn plain_decimal(text: &str) -> Result<Decimal, String> {
    let plain = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = if plain { text.parse().ok() } else { None };
    number.ok_or_else(|| {
        format!("{} is not a plain number: write digits such as \"400\" or \"57.7\"", quoted(text))
    })
}

fn side(text: &str) -> Result<Side, String> {
    let found = [Side::Primary, Side::Secondary].into_iter().find(|side| side.name() == text);
    found.ok_or_else(|| format!("{} is not a side: write primary or secondary", quoted(text)))
}

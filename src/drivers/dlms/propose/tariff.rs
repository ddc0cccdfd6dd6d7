//! What a proposal says of tariffs and firmware: what the meter holds now, and where.

use crate::drivers::dlms::objects::class;
use crate::drivers::dlms::survey::of_interest::{
    CALENDAR, IMAGE_TRANSFER, REGISTER_ACTIVATION, SCHEDULE, SPECIAL_DAYS,
};
use crate::model::Obis;
use crate::model::template::SchemeLimits;

use super::Draft;

impl Draft<'_> {
    pub(super) fn limits(&mut self) {
        let survey = self.survey;
        let mut limits = SchemeLimits::default();
        let mut told: Vec<String> = Vec::new();
        let count = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        if let Some(calendar) = survey.of_class(CALENDAR).next() {
            let largest = |one: u8, other: u8| {
                let size = |attribute| survey.size(CALENDAR, calendar, attribute).unwrap_or(0);
                size(one).max(size(other))
            };
            for (name, size, slot) in [
                ("seasons", largest(3, 7), &mut limits.seasons),
                ("weeks", largest(4, 8), &mut limits.weeks),
                ("day types", largest(5, 9), &mut limits.day_types),
            ] {
                if size > 0 {
                    *slot = count(size);
                    told.push(format!("{size} {name}"));
                }
            }
            let days =
                [5, 9].iter().filter_map(|attribute| survey.held.get(&(CALENDAR, calendar, *attribute)));
            let days = days.filter_map(|data| data.elements()).flatten();
            let switches = days.filter_map(|day| day.elements()?.get(1)?.elements().map(<[_]>::len)).max();
            if let Some(switches) = switches.filter(|switches| *switches > 0) {
                limits.switches_per_day = count(switches);
                told.push(format!("{switches} switching times in a day"));
            }
        }
        if let Some(special) = survey.of_class(SPECIAL_DAYS).next()
            && let Some(size) = survey.size(SPECIAL_DAYS, special, 2).filter(|size| *size > 0)
        {
            limits.special_days = count(size);
            told.push(format!("{size} special days"));
        }
        let rates = |d: u8| {
            let registers = self.template.objects.registers.iter();
            registers.filter(|obis| obis.a() == 1 && obis.d() == d && obis.e() > 0).count()
        };
        let (energy, demand) = (rates(8), rates(6));
        if energy > 0 {
            limits.energy_registers = count(energy);
            told.push(format!("{energy} registers of energy by rate"));
        }
        limits.demand_registers = count(demand);
        if let Some(columns) =
            self.template.objects.load_profiles.first().and_then(|obis| survey.knowledge.profiles.get(obis))
        {
            limits.profile_channels = count(columns.layout.channels.len());
            told.push(format!("{} load-profile channels", columns.layout.channels.len()));
            if let Some(minutes) = Some(columns.layout.period_seconds / 60).filter(|minutes| *minutes > 0) {
                limits.profile_periods_minutes = vec![minutes];
                told.push(format!("a load-profile period of {minutes} minutes"));
            }
        }
        if let Some(columns) =
            self.template.objects.instrumentation.first().and_then(|obis| survey.knowledge.profiles.get(obis))
        {
            limits.instrumentation_channels = count(columns.layout.channels.len());
        }
        self.template.limits = limits;
        if told.is_empty() {
            self.by_hand("/limits", "the meter shows nothing of a tariff: what it can hold, the manual says");
        } else {
            let told = told.join(", ");
            self.guessed("/limits", format!("it holds now, and so at least, {told}"));
            self.by_hand(
                "/limits",
                "how much more than that it can hold, the manual says: until then a larger scheme is refused",
            );
        }
    }

    pub(super) fn scheme(&mut self) {
        let survey = self.survey;
        let first = |class_id: u16, usual: Obis| {
            let all: Vec<Obis> = survey.of_class(class_id).collect();
            if all.contains(&usual) { Some(usual) } else { all.first().copied() }
        };
        let usual = self.template.scheme.clone();
        let mut missing = Vec::new();
        let scheme = &mut self.template.scheme;
        for (what, class_id, slot, standard) in [
            ("activity calendar", CALENDAR, &mut scheme.calendar, usual.calendar),
            ("special days", SPECIAL_DAYS, &mut scheme.special_days, usual.special_days),
            ("tariff scripts", class::SCRIPTS, &mut scheme.scripts, usual.scripts),
            (
                "register activation",
                REGISTER_ACTIVATION,
                &mut scheme.register_activation,
                usual.register_activation,
            ),
        ] {
            match first(class_id, standard) {
                Some(found) => *slot = found,
                None => missing.push(what),
            }
        }
        let billing = survey.of_class(SCHEDULE).any(|obis| obis == usual.billing_schedule);
        if missing.is_empty() {
            self.observed("/scheme", "activity calendar, special days, tariff scripts and register activation are in the object list");
        } else {
            let missing = missing.join(", ");
            self.by_hand("/scheme", format!("the object list shows no {missing}: the meter may not be programmable, or this client may not see them"));
        }
        if !billing {
            self.by_hand("/scheme/billing_schedule", "no schedule of billing ends in the standard's place");
        }
        self.by_hand("/scheme/display_auto", "display lists and the response to a lost clock are each maker's own: name their objects if schemes are to set them");
    }

    pub(super) fn firmware(&mut self) {
        let survey = self.survey;
        let Some(image) = survey.of_class(IMAGE_TRANSFER).next() else {
            self.observed(
                "/firmware",
                "the object list shows no image transfer: firmware cannot be flashed over this client",
            );
            return;
        };
        self.template.firmware.image = image;
        let block = survey.held.get(&(IMAGE_TRANSFER, image, 2)).and_then(|data| data.integer());
        let block = block.map_or_else(String::new, |size| format!(" in blocks of {size} octets"));
        self.observed("/firmware/image", format!("it takes images{block}"));
        let version = self.template.objects.identity.iter().find(|one| one.role == "firmware");
        self.template.firmware.version = version.map(|one| one.obis);
        self.guessed("/firmware", "how long it verifies and restarts was not tried out");
    }
}

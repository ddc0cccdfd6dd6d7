//! What whoever programs meters asks before and after, in a window or on the command line.

use jiff::civil::Date;

use crate::model::{Catalogue, Fault, MeterConfig, Template};
use crate::scheme::{self, Document, Problem};
use crate::store::MeterScheme;

/// Checks a scheme against the limits of the meter that it is for, which need not be those that it names.
///
/// # Errors
/// The meter cannot take it: everything that is too much for it.
pub fn fits(
    document: &Document,
    config: &MeterConfig,
    templates: &Catalogue,
    today: Date,
) -> Result<(), Fault> {
    let name = &config.template;
    let template = templates.shared(name).map_err(|error| Fault::user(error.to_string(), ""))?;
    let problems = scheme::check(document, &template, today);
    let errors: Vec<String> =
        problems.iter().filter(|problem| problem.is_error()).map(Problem::to_string).collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(Fault::user(format!("a meter of template {name} cannot take this scheme\n{}", errors.join("\n")), ""))
}

/// What of a scheme a meter of this template has no object for, as far as its template tells: it stays as it is.
/// The meter itself tells the rest, before anything is written.
#[must_use]
pub fn foreseen(document: &Document, template: &Template) -> Vec<String> {
    let objects = &template.scheme;
    let registers = &document.registers;
    let several = registers.demand.iter().any(|register| register.highest > 1);
    let billing = &document.billing;
    let display = [objects.display_auto, objects.display_manual, objects.display_seconds];
    [
        (display.iter().any(Option::is_none), "display lists or their time"),
        (objects.clock_failure.is_none(), "the response to a lost clock"),
        (several, "more than one highest value of a demand register"),
        (!registers.customer_defined.is_empty(), "customer-defined registers"),
        (!document.outputs.is_empty(), "outputs"),
        (billing.manual_lockout_minutes > 0, "the lockout of manual resets"),
        (billing.on_season_change, "the reset on a season change"),
        (!document.instrumentation.channels.is_empty(), "the channels of the instrumentation profile"),
    ]
    .into_iter()
    .filter(|(is_left_out, _)| *is_left_out)
    .map(|(_, words)| words.to_owned())
    .collect()
}

/// A scheme out of the store.
///
/// # Errors
/// It was kept by another version of this program, and this one does not read it.
pub fn kept(stored: &MeterScheme) -> Result<Document, Fault> {
    scheme::read(stored.scheme.as_bytes()).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Fault::user(
            format!("what was kept is no scheme that this program can write\n{}", lines.join("\n")),
            "",
        )
    })
}

/// What stood in a meter before a scheme was written to it last, to be written again.
///
/// # Errors
/// Nothing was ever written, or no scheme can say what stood there.
pub fn restorable(stood: Option<&MeterScheme>, meter: &str) -> Result<Document, Fault> {
    let stood = stood.ok_or_else(|| {
        Fault::user(format!("no scheme was ever written to {meter} from here: nothing to restore"), "")
    })?;
    if stood.scheme.is_empty() {
        return Err(Fault::user(
            format!(
                "what stood in {meter} before cannot all be said by a scheme, or there was no tariff: its attributes are kept in the store as they were"
            ),
            "",
        ));
    }
    kept(stood)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Template {
        Template::named("dlms-generic").unwrap()
    }

    #[test]
    fn what_a_template_has_no_object_for_is_foreseen() {
        let mut document = Document::blank("dlms-generic", "UTC");
        let before = foreseen(&document, &template());
        assert!(before.iter().any(|words| words.contains("lost clock")), "{before:?}");
        document.billing.on_season_change = true;
        assert_eq!(foreseen(&document, &template()).len(), before.len() + 1);
    }

    #[test]
    fn only_what_stood_there_and_can_be_said_is_restored() {
        assert!(restorable(None, "Mill Lane 1").unwrap_err().message.contains("nothing to restore"));
        let mut stood =
            MeterScheme { at: jiff::Timestamp::UNIX_EPOCH, scheme: String::new(), detail: String::new() };
        assert!(restorable(Some(&stood), "m").unwrap_err().message.contains("cannot all be said"));
        stood.scheme = "{".to_owned();
        assert!(restorable(Some(&stood), "m").unwrap_err().message.contains("no scheme that this program"));
        let document = Document::blank("dlms-generic", "UTC");
        stood.scheme = scheme::write(&document);
        assert_eq!(restorable(Some(&stood), "m").unwrap(), document);
    }

    #[test]
    fn a_scheme_that_is_too_much_for_a_meter_is_refused_with_every_limit() {
        let mut document = Document::blank("dlms-generic", "UTC");
        document.profile.period_minutes = 7;
        let config = MeterConfig::new("m", "tcp://h:1".parse().unwrap());
        let fault =
            fits(&document, &config, &Catalogue::default(), jiff::civil::date(2026, 11, 22)).unwrap_err();
        assert!(fault.message.contains("profile.period_minutes"), "{fault}");
    }
}

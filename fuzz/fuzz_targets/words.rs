//! Text that people, lists and meters write: lines, codes, figures, ratios, addresses, dates, versions. What is read
//! is written and read again.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use meterwright::firmware::version;
use meterwright::model::{
    Decimal, FlashActivation, Line, Obis, Ratio, SecretKind, ServerAddress, SystemTitle, Unit, Weekdays,
    Window,
};
use meterwright::scheme::{BillingDate, DatePattern, SeasonStart, Source, SwitchTime};

fn comes_back<T: FromStr + Display + PartialEq + Debug>(text: &str) -> Option<T> {
    let read = text.parse::<T>().ok()?;
    let again = read.to_string();
    assert_eq!(again.parse::<T>().ok().as_ref(), Some(&read), "{text:?} became {again:?}");
    Some(read)
}

fuzz_target!(|octets: &[u8]| {
    let text = String::from_utf8_lossy(octets);
    let (one, other) = text.split_once('\n').unwrap_or((&text, ""));
    comes_back::<Line>(one);
    comes_back::<Obis>(one);
    comes_back::<ServerAddress>(one);
    comes_back::<SystemTitle>(one);
    comes_back::<Weekdays>(one);
    comes_back::<DatePattern>(one);
    comes_back::<SwitchTime>(one);
    comes_back::<SeasonStart>(one);
    comes_back::<BillingDate>(one);
    comes_back::<Source>(one);
    let _ = (Window::parse(one, other), one.parse::<FlashActivation>());
    let _ = Unit::from_symbol(one);
    let _ = (version::compare(one, other), version::is_same(one, other), version::matches(one, other));
    for (kind, _) in SecretKind::ALL {
        let _ = kind.parse(one);
    }
    if let Some(ratio) = comes_back::<Ratio>(one) {
        let factor = ratio.factor();
        if let (Some(factor), Ok(figure)) = (factor, other.parse::<Decimal>()) {
            let _ = (factor.apply(figure), factor.inverse(), factor.checked_mul(factor));
        }
        if let Ok(another) = other.parse::<Ratio>() {
            let _ = (ratio.is_same_factor(&another), ratio.steps_up());
        }
    }
    if let (Some(a), Ok(b)) = (comes_back::<Decimal>(one), other.parse::<Decimal>()) {
        let _ = (a.checked_add(b), a.checked_sub(b), a.checked_mul(b), a.normalized(), a.cmp(&b));
        for power in [i8::MIN, -3, 0, 3, i8::MAX] {
            let _ = (a.scaled(power), a.with_exponent(power));
        }
    }
});

//! What names a register, and what follows when its name or number changes.

use crate::gui::widgets::counted;
use crate::scheme::{Document, OutputFunction, Source, Switch, say};

fn switches(document: &Document) -> impl Iterator<Item = &Switch> {
    let latent = document.latent.iter().flat_map(|latent| &latent.tariff.day_types);
    document.tariff.day_types.iter().chain(latent).flat_map(|day| &day.switches)
}

fn switches_mut(document: &mut Document) -> impl Iterator<Item = &mut Switch> {
    let latent = document.latent.iter_mut().flat_map(|latent| &mut latent.tariff.day_types);
    document.tariff.day_types.iter_mut().chain(latent).flat_map(|day| &mut day.switches)
}

/// Gives every reference to a register its new id.
pub(super) fn rename(document: &mut Document, from: &str, to: &str) {
    for id in switches_mut(document).flat_map(|switch| &mut switch.on).filter(|id| *id == from) {
        to.clone_into(id);
    }
    for output in &mut document.outputs {
        if let OutputFunction::Follow { register } = &mut output.function
            && register == from
        {
            to.clone_into(register);
        }
    }
}

/// Takes a register out of all switching times.
pub(super) fn switch_off(document: &mut Document, id: &str) {
    for switch in switches_mut(document) {
        switch.on.retain(|one| one != id);
    }
}

/// Where a register is used, in words: `on from 3 switching times, followed by output O1`.
pub(super) fn uses(document: &Document, id: &str) -> String {
    let count = switches(document).filter(|switch| switch.on.iter().any(|one| one == id)).count();
    let mut words = Vec::new();
    if count > 0 {
        words.push(format!("on from {}", counted(count, "switching time")));
    }
    words.extend(document.outputs.iter().filter_map(|output| match &output.function {
        OutputFunction::Follow { register } if register == id => {
            Some(format!("followed by output {}", output.id))
        }
        _ => None,
    }));
    words.join(", ")
}

/// Every place where a source is counted, with what to call it.
fn sources(document: &mut Document) -> Vec<(String, &mut Source)> {
    let registers = &mut document.registers;
    let energy = registers.energy.iter_mut().map(|register| (register.id.clone(), &mut register.source));
    let demand = registers.demand.iter_mut().map(|register| (register.id.clone(), &mut register.source));
    let profile =
        document.profile.channels.iter_mut().map(|channel| ("the load profile".to_owned(), channel));
    let outputs = document.outputs.iter_mut().filter_map(|output| match &mut output.function {
        OutputFunction::Pulse { source, .. } => Some((format!("output {}", output.id), source)),
        OutputFunction::Follow { .. } => None,
    });
    energy.chain(demand).chain(profile).chain(outputs).collect()
}

fn number(index: usize) -> Option<Source> {
    u8::try_from(index + 1).ok().map(Source::CustomerDefined)
}

/// What counts the sum at this place of the list.
pub(super) fn users_of_sum(document: &mut Document, index: usize) -> Vec<String> {
    let sum = number(index);
    let users = sources(document).into_iter().filter(|(_, source)| Some(**source) == sum);
    users.map(|(name, _)| name).collect()
}

/// Sums are named by their place in the list: when that changes, what counts them follows.
pub(super) fn renumber_sums(document: &mut Document, new_place: impl Fn(usize) -> usize) {
    for (_, source) in sources(document) {
        if let Source::CustomerDefined(old) = *source
            && let Some(old) = usize::from(old).checked_sub(1)
            && let Some(new) = number(new_place(old))
        {
            *source = new;
        }
    }
}

/// The first id with this letter that no register has.
pub(super) fn free_id(document: &Document, letter: char) -> String {
    let taken = ids(document);
    let mut numbers = 1_u32..;
    let free = numbers.find_map(|number| {
        let id = format!("{letter}{number}");
        (!taken.contains(&id.as_str())).then_some(id)
    });
    free.unwrap_or_default()
}

/// The ids of all registers.
pub(super) fn ids(document: &Document) -> Vec<&str> {
    let registers = &document.registers;
    let energy = registers.energy.iter().map(|register| register.id.as_str());
    let demand = registers.demand.iter().map(|register| register.id.as_str());
    let sums = registers.customer_defined.iter().map(|register| register.id.as_str());
    energy.chain(demand).chain(sums).collect()
}

/// The sources that this scheme may name, with what to call them.
pub(super) fn source_choices(document: &Document) -> Vec<(Source, String)> {
    let measured = Source::measured().map(|source| (source, say::word(&source)));
    let sums = document
        .registers
        .customer_defined
        .iter()
        .enumerate()
        .filter_map(|(index, sum)| Some((number(index)?, format!("{}: {}", sum.id, sum.title))));
    let inputs = (1..=4).map(|input| (Source::Input(input), format!("Input {input}")));
    measured.chain(sums).chain(inputs).collect()
}

//! From a script to the registers that it switches on.

use std::collections::BTreeSet;

use crate::model::Obis;
use crate::model::tariff::{ScriptAction, TariffTables};
use crate::model::template::SchemeObjects;

/// Follows scripts through masks to registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolver<'a> {
    tables: &'a TariffTables,
    objects: &'a SchemeObjects,
}

impl<'a> Resolver<'a> {
    pub(super) const fn new(tables: &'a TariffTables, objects: &'a SchemeObjects) -> Self {
        Self { tables, objects }
    }

    /// The registers that a script switches on; nothing where it cannot be followed.
    pub(super) fn registers(&self, table: Obis, script: u16) -> Option<BTreeSet<Obis>> {
        if table != self.objects.scripts {
            return None;
        }
        let script = self.tables.scripts.as_ref()?.iter().find(|one| one.id == script)?;
        let tables = self.tables.activation.as_ref()?;
        let mut on = BTreeSet::new();
        let mut is_known = false;
        for action in &script.actions {
            let ScriptAction::Mask { activation, mask } = action else { continue };
            if *activation != self.objects.register_activation {
                continue;
            }
            let mask = tables.masks.iter().find(|one| one.name == *mask)?;
            for place in &mask.registers {
                let at = usize::from(*place).checked_sub(1)?;
                on.insert(tables.registers.get(at)?.1);
            }
            is_known = true;
        }
        is_known.then_some(on)
    }
}

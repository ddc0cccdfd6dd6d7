//! The windows, driven through AccessKit: no display, no images, no clock.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test says what went wrong by breaking off"
)]

mod bulk;
mod control;
mod editor;
#[allow(dead_code, reason = "the real window uses other parts of it")]
mod fake;
mod firmware;
mod flashes;
mod form;
mod frame;
mod groups;
mod import;
mod lists;
mod meters;
mod people;
mod points;
mod proving;
mod readings;
mod schemes;
mod store;
mod templates;
mod vendor;

use std::sync::Arc;

use egui::{Key, Modifiers, Role, Vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use egui_kittest::{Harness, Node};
use meterwright::gui::App;

use fake::Fake;

/// The application over a fake, in a window of 1280 × 800.
fn app(fake: &Fake) -> Harness<'static, App> {
    let mut app = App::new(Box::new(fake.clone()), Arc::new(|_| {}));
    app.cx.zone = fake::london();
    app.cx.now = fake::now;
    app.use_path_field();
    let mut harness = Harness::builder()
        .with_size(Vec2::new(1280.0, 800.0))
        .with_max_steps(16)
        .with_context_setup(|ctx| App::install(ctx).unwrap())
        .build_ui_state(|ui, app: &mut App| app.ui(ui), app);
    harness.run();
    harness
}

const FIELDS: [Role; 2] = [Role::TextInput, Role::PasswordInput];
const CONTROLS: [Role; 9] = [
    Role::Button,
    Role::RadioButton,
    Role::CheckBox,
    Role::Tab,
    Role::TreeItem,
    Role::ListBoxOption,
    Role::ColumnHeader,
    Role::Row,
    Role::ComboBox,
];

/// The one thing with this name, of these roles where there is one of them.
fn named<'a>(app: &'a Harness<'_, App>, label: &'a str, roles: &[Role]) -> Node<'a> {
    let all: Vec<_> = app.query_all_by_label(label).collect();
    let mut fit = all.iter().filter(|node| roles.contains(&node.accesskit_node().role()));
    match (fit.next(), fit.next(), all.as_slice()) {
        (Some(one), None, _) | (None, None, [one]) => *one,
        _ => panic!("{} things are named {label:?}", all.len()),
    }
}

/// Types into the field of this name.
fn enter(app: &mut Harness<'_, App>, field: &str, text: &str) {
    named(app, field, &FIELDS).focus();
    app.run();
    named(app, field, &FIELDS).type_text(text);
    app.run();
}

fn press(app: &mut Harness<'_, App>, modifiers: Modifiers, key: Key) {
    app.key_press_modifiers(modifiers, key);
    app.run();
}

fn click(app: &mut Harness<'_, App>, label: &str) {
    named(app, label, &CONTROLS).click();
    app.run();
}

/// Whether something bears this name.
fn shows(app: &Harness<'_, App>, label: &str) -> bool {
    app.query_all_by_label(label).next().is_some()
}

//! stub
use super::context::AppCtx;
#[derive(Default)]
pub struct TracePage {}
impl TracePage {
    pub fn ui(&mut self, ui: &mut egui::Ui, _cx: &mut AppCtx) {
        ui.label("stub");
    }
    pub fn show(&mut self, _: i64, _: Option<crate::model::MeterId>) {}
    pub fn open(&mut self, _: std::path::PathBuf) {}
}

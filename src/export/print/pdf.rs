//! Sheets as a PDF.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use pdf_writer::{Content, Date, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use super::PrintError;
use super::faces::{Face, Faces, Used};
use super::flow::{Area, Hatch, Ink, Mark, SHEET};

const CATALOG: i32 = 1;
const TREE: i32 = 2;
const INFO: i32 = 3;
const FONTS: i32 = 4;
/// Each weight is five objects.
const OBJECTS_A_FONT: i32 = 5;
const SHEETS: i32 = FONTS + 3 * OBJECTS_A_FONT;

/// What a reader of files shows of it.
pub(super) struct About<'a> {
    pub(super) title: &'a str,
    pub(super) at: Timestamp,
}

/// Writes the file.
pub(super) fn write(faces: &Faces, sheets: &[Vec<Mark>], about: &About<'_>) -> Result<Vec<u8>, PrintError> {
    let mut used = Face::ALL.map(|face| Used::none(faces, face));
    let mut pdf = Pdf::new();
    let mut catalog = pdf.catalog(Ref::new(CATALOG));
    catalog.pages(Ref::new(TREE)).lang(TextStr("en"));
    catalog.viewer_preferences().display_doc_title(true);
    catalog.finish();
    info(&mut pdf, about);
    let mut next = SHEETS;
    let mut kids = Vec::new();
    for sheet in sheets {
        let (page_id, content_id) = (Ref::new(next), Ref::new(next + 1));
        next += 2;
        kids.push(page_id);
        let mut content = Content::new();
        for mark in sheet {
            draw(&mut content, &mut used, mark);
        }
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(&content.finish(), 6);
        pdf.stream(content_id, &packed).filter(Filter::FlateDecode);
        let mut page = pdf.page(page_id);
        page.media_box(Rect::new(0.0, 0.0, SHEET.0, SHEET.1)).parent(Ref::new(TREE)).contents(content_id);
        let mut resources = page.resources();
        let mut fonts = resources.fonts();
        for (face, first) in Face::ALL.iter().zip((FONTS..).step_by(5)) {
            fonts.pair(Name(face.resource()), Ref::new(first));
        }
        fonts.finish();
        resources.finish();
        page.finish();
    }
    let count = i32::try_from(kids.len()).map_err(|error| PrintError(error.to_string()))?;
    pdf.pages(Ref::new(TREE)).kids(kids).count(count);
    for (used, first) in used.into_iter().zip((FONTS..).step_by(5)) {
        used.write(&mut pdf, first)?;
    }
    Ok(pdf.finish())
}

fn info(pdf: &mut Pdf, about: &About<'_>) {
    let at = about.at.to_zoned(TimeZone::UTC);
    let part = |value: i8| u8::try_from(value).unwrap_or(1);
    let date = Date::new(u16::try_from(at.year()).unwrap_or(1970))
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    let mut info = pdf.document_info(Ref::new(INFO));
    info.title(TextStr(about.title)).creator(TextStr("Meterwright")).creation_date(date);
}

fn fill(content: &mut Content, [red, green, blue]: Ink) {
    let part = |value: u8| f32::from(value) / 255.0;
    content.set_fill_rgb(part(red), part(green), part(blue));
}

fn stroke(content: &mut Content, [red, green, blue]: Ink) {
    let part = |value: u8| f32::from(value) / 255.0;
    content.set_stroke_rgb(part(red), part(green), part(blue));
}

fn draw(content: &mut Content, used: &mut [Used<'_>; 3], mark: &Mark) {
    match mark {
        Mark::Text { x, y, face, size, ink, text } => {
            let [plain, strong, mono] = used;
            let octets = match face {
                Face::Plain => plain,
                Face::Strong => strong,
                Face::Mono => mono,
            }
            .encode(text);
            fill(content, *ink);
            content.begin_text().set_font(Name(face.resource()), *size);
            content.next_line(*x, SHEET.1 - y).show(Str(&octets)).end_text();
        }
        Mark::Fill { area, ink } => {
            fill(content, *ink);
            content.rect(area.left, SHEET.1 - area.top - area.height, area.width, area.height).fill_nonzero();
        }
        Mark::Line { from, to, ink } => {
            stroke(content, *ink);
            content.set_line_width(0.5);
            content.move_to(from.0, SHEET.1 - from.1).line_to(to.0, SHEET.1 - to.1).stroke();
        }
        Mark::Hatched { area, hatch, ink } => hatched(content, *area, *hatch, *ink),
    }
}

fn hatched(content: &mut Content, area: Area, hatch: Hatch, ink: Ink) {
    if hatch == Hatch::default() {
        return;
    }
    let (left, right) = (area.left, area.left + area.width);
    let (bottom, top) = (SHEET.1 - area.top - area.height, SHEET.1 - area.top);
    stroke(content, ink);
    content.set_line_width(0.5);
    let steps = |from: f32, to: f32, step: f32| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "steps on a sheet")]
        let count = ((to - from) / step).max(0.0) as u16;
        (0..=count).map(move |index| from + f32::from(index) * step)
    };
    for y in hatch.lying.into_iter().flat_map(|step| steps(bottom + step / 2.0, top, step)) {
        content.move_to(left, y).line_to(right, y);
    }
    for x in hatch.standing.into_iter().flat_map(|step| steps(left + step / 2.0, right, step)) {
        content.move_to(x, bottom).line_to(x, top);
    }
    content.stroke();
}

//! The typeface on paper: widths for the layout, and the glyphs that were used for the file.

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Finish, Name, Pdf, Rect, Ref, Str};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use subsetter::GlyphRemapper;

use super::PrintError;

/// A weight of the typeface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Face {
    /// Text.
    Plain,
    /// Titles.
    Strong,
    /// Hashes and codes.
    Mono,
}

impl Face {
    pub(super) const ALL: [Self; 3] = [Self::Plain, Self::Strong, Self::Mono];

    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Plain => include_bytes!("../../../assets/fonts/IBMPlexSans-Regular.ttf"),
            Self::Strong => include_bytes!("../../../assets/fonts/IBMPlexSans-SemiBold.ttf"),
            Self::Mono => include_bytes!("../../../assets/fonts/IBMPlexMono-Regular.ttf"),
        }
    }

    const fn name(self) -> &'static [u8] {
        match self {
            Self::Plain => b"MWPLEX+IBMPlexSans-Regular",
            Self::Strong => b"MWPLEX+IBMPlexSans-SemiBold",
            Self::Mono => b"MWPLEX+IBMPlexMono-Regular",
        }
    }

    /// The name under which pages ask for it.
    pub(super) const fn resource(self) -> &'static [u8] {
        match self {
            Self::Plain => b"F0",
            Self::Strong => b"F1",
            Self::Mono => b"F2",
        }
    }
}

/// A glyph: its number, and its width in thousandths of the size.
#[derive(Clone, Copy, Debug)]
struct Glyph {
    id: u16,
    width: f32,
}

/// One weight, ready to measure.
struct Measure {
    face: Face,
    font: FontRef<'static>,
    per_em: f32,
}

/// All weights.
pub(super) struct Faces {
    measures: Vec<Measure>,
}

impl Faces {
    /// Reads the fonts that ship with the program.
    pub(super) fn shipped() -> Result<Self, PrintError> {
        let measure = |face: Face| {
            let font = FontRef::new(face.bytes()).map_err(|error| PrintError(error.to_string()))?;
            let per_em = font.metrics(Size::unscaled(), LocationRef::default()).units_per_em;
            Ok(Measure { face, font, per_em: f32::from(per_em.max(1)) })
        };
        Ok(Self { measures: Face::ALL.into_iter().map(measure).collect::<Result<_, PrintError>>()? })
    }

    fn measure(&self, face: Face) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.face == face)
    }

    fn glyph(&self, face: Face, sign: char) -> Option<Glyph> {
        let measure = self.measure(face)?;
        let id = measure.font.charmap().map(sign)?;
        let metrics = measure.font.glyph_metrics(Size::unscaled(), LocationRef::default());
        let width = metrics.advance_width(id)? * 1000.0 / measure.per_em;
        Some(Glyph { id: u16::try_from(id.to_u32()).ok()?, width })
    }

    /// Text of which each sign can be set: a sign that the typeface does not have is written by its number.
    pub(super) fn settable(&self, face: Face, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for sign in text.chars() {
            if sign.is_control() || sign.is_whitespace() && self.glyph(face, sign).is_none() {
                out.push(' ');
            } else if self.glyph(face, sign).is_some() {
                out.push(sign);
            } else {
                out.push_str(&format!("[U+{:04X}]", u32::from(sign)));
            }
        }
        out
    }

    /// How wide a text is, in points.
    pub(super) fn width(&self, face: Face, size: f32, text: &str) -> f32 {
        let thousandths: f32 =
            text.chars().filter_map(|sign| self.glyph(face, sign)).map(|one| one.width).sum();
        thousandths * size / 1000.0
    }
}

/// What was used of one weight.
pub(super) struct Used<'a> {
    faces: &'a Faces,
    face: Face,
    remapper: GlyphRemapper,
    glyphs: BTreeMap<u16, (f32, char)>,
}

impl<'a> Used<'a> {
    pub(super) fn none(faces: &'a Faces, face: Face) -> Self {
        Self { faces, face, remapper: GlyphRemapper::new(), glyphs: BTreeMap::new() }
    }

    /// The octets that show a text.
    pub(super) fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() * 2);
        for sign in text.chars() {
            let Some(glyph) = self.faces.glyph(self.face, sign) else { continue };
            let id = self.remapper.remap(glyph.id);
            self.glyphs.insert(id, (glyph.width, sign));
            out.extend(id.to_be_bytes());
        }
        out
    }

    /// Puts the weight into the file: five objects from `first` on.
    pub(super) fn write(self, pdf: &mut Pdf, first: i32) -> Result<(), PrintError> {
        let [whole, cid, descriptor, data, cmap] = [0, 1, 2, 3, 4].map(|n| Ref::new(first + n));
        let name = Name(self.face.name());
        let subset = subsetter::subset(self.face.bytes(), 0, &self.remapper)
            .map_err(|error| PrintError(error.to_string()))?;
        let system = || SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
        let mut font = pdf.type0_font(whole);
        font.base_font(name).encoding_predefined(Name(b"Identity-H")).descendant_font(cid).to_unicode(cmap);
        font.finish();
        let mut font = pdf.cid_font(cid);
        font.subtype(CidFontType::Type2).base_font(name).system_info(system()).font_descriptor(descriptor);
        font.default_width(0.0).cid_to_gid_map_predefined(Name(b"Identity"));
        let mut widths = font.widths();
        for (id, (width, _)) in &self.glyphs {
            widths.consecutive(*id, [*width]);
        }
        widths.finish();
        font.finish();
        self.descriptor(pdf, descriptor, data);
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(&subset, 6);
        let length = i32::try_from(subset.len()).map_err(|error| PrintError(error.to_string()))?;
        let mut stream = pdf.stream(data, &packed);
        stream.filter(pdf_writer::Filter::FlateDecode);
        stream.pair(Name(b"Length1"), length);
        stream.finish();
        let mut map = UnicodeCmap::new(Name(b"Custom"), system());
        for (id, (_, sign)) in &self.glyphs {
            map.pair(*id, *sign);
        }
        pdf.cmap(cmap, &map.finish());
        Ok(())
    }

    fn descriptor(&self, pdf: &mut Pdf, id: Ref, data: Ref) {
        let Some(measure) = self.faces.measure(self.face) else { return };
        let metrics = measure.font.metrics(Size::unscaled(), LocationRef::default());
        let scaled = |value: f32| value * 1000.0 / measure.per_em;
        let bounds = metrics.bounds.unwrap_or_default();
        let mut flags = FontFlags::NON_SYMBOLIC;
        if self.face == Face::Mono {
            flags |= FontFlags::FIXED_PITCH;
        }
        let mut descriptor = pdf.font_descriptor(id);
        descriptor
            .name(Name(self.face.name()))
            .flags(flags)
            .bbox(Rect::new(
                scaled(bounds.x_min),
                scaled(bounds.y_min),
                scaled(bounds.x_max),
                scaled(bounds.y_max),
            ))
            .italic_angle(0.0)
            .ascent(scaled(metrics.ascent))
            .descent(scaled(metrics.descent))
            .cap_height(scaled(metrics.cap_height.unwrap_or(metrics.ascent)))
            .stem_v(if self.face == Face::Strong { 120.0 } else { 80.0 })
            .font_file2(data);
    }
}

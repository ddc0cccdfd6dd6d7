//! Settings that are told together, or not at all.

use super::table::{field, number};
use super::{Field, Kind};

const IMAGE_SIGNATURE_FIELDS: &[Field] = &[
    field(
        "/firmware/image_signature/from",
        "Counted from",
        Kind::Choice(&[("end", "The image's end"), ("start", "The image's start")]),
        "",
    ),
    field(
        "/firmware/image_signature/offset",
        "Bytes from there to the signature",
        number(0, u32::MAX, "bytes"),
        "64 from the end is a trailer of 64 bytes",
    ),
    field(
        "/firmware/image_signature/length",
        "Length of its field",
        number(8, 512, "bytes"),
        "64 where it is raw",
    ),
    field(
        "/firmware/image_signature/form",
        "How it is written",
        Kind::Choice(&[("raw", "r and s, 32 bytes each"), ("der", "DER: an ASN.1 sequence of r and s")]),
        "",
    ),
    field(
        "/firmware/image_signature/signed",
        "What is signed",
        Kind::Choice(&[
            ("before", "All that stands before the signature"),
            ("after", "All that stands behind it"),
            ("around", "All but the signature itself"),
        ]),
        "",
    ),
    field(
        "/firmware/image_signature/skip",
        "Not signed at the image's start",
        number(0, u32::MAX, "bytes"),
        "",
    ),
    field(
        "/firmware/image_signature/key",
        "The maker's key",
        Kind::MaybeHex { digits: 16 },
        "Its id; empty takes any key that is trusted for images",
    ),
];

/// The maker's own signature within images.
pub(super) const IMAGE_SIGNATURE: Kind = Kind::Group {
    fields: IMAGE_SIGNATURE_FIELDS,
    first: r#"{"from": "end", "offset": 64, "length": 64, "form": "raw", "signed": "before", "skip": 0, "key": null}"#,
};

const PERIOD_FIELDS: &[Field] = &[
    field("/flag/period/id", "Identity of the demand period", number(0, 999, ""), ""),
    field("/flag/period/bytes", "Octets of that identity", number(1, 1024, "octets"), ""),
    field("/flag/period/code", "It is a code and not minutes", Kind::Flag, ""),
];

/// Where the demand period of an Elster meter stands.
pub(super) const PERIOD: Kind =
    Kind::Group { fields: PERIOD_FIELDS, first: r#"{"id": 878, "bytes": 3, "code": false}"# };

const SUM_FIELDS: &[Field] = &[
    field("/flag/customer_defined/id", "Identity of the sums", number(0, 999, ""), ""),
    field(
        "/flag/customer_defined/form",
        "How sums are told",
        Kind::Choice(&[("codes", "Rows of source codes"), ("bits", "Two octets of bits each")]),
        "",
    ),
];

/// Where the sums of the customer-defined registers are told.
pub(super) const SUMS: Kind = Kind::Group { fields: SUM_FIELDS, first: r#"{"id": 601, "form": "codes"}"# };

/// How a transformer ratio lies in its table.
const RATIO_FORMS: Kind = Kind::Choice(&[
    ("bcd-4-2", "BCD, four octets and two"),
    ("bcd-4-3", "BCD, four octets and three"),
    ("binary", "Binary, four octets and four"),
]);
const UNVERIFIED: &str = "What is read is held against the plate before it is believed";

const CT_FIELDS: &[Field] = &[
    field("/flag/ct/id", "Identity of the CT ratio", number(0, 999, ""), ""),
    field("/flag/ct/form", "How the CT ratio lies there", RATIO_FORMS, ""),
    field("/flag/ct/unverified", "CT layout not confirmed", Kind::Flag, UNVERIFIED),
];

/// Where the current transformers' ratio stands.
pub(super) const CT: Kind =
    Kind::Group { fields: CT_FIELDS, first: r#"{"id": 616, "form": "bcd-4-2", "unverified": true}"# };

const VT_FIELDS: &[Field] = &[
    field("/flag/vt/id", "Identity of the VT ratio", number(0, 999, ""), ""),
    field("/flag/vt/form", "How the VT ratio lies there", RATIO_FORMS, ""),
    field("/flag/vt/unverified", "VT layout not confirmed", Kind::Flag, UNVERIFIED),
];

/// Where the voltage transformers' ratio stands.
pub(super) const VT: Kind =
    Kind::Group { fields: VT_FIELDS, first: r#"{"id": 617, "form": "bcd-4-3", "unverified": true}"# };

//! The columns of the list of meters as CSV: the same for `meter export` and `meter import`. None holds a secret.

use crate::model::{Line, MeterConfig};

use crate::cli::on_side::side;

/// One column: its name, how it is written, how it is read.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) write: fn(&MeterConfig) -> String,
    /// Puts a cell that is not empty in its place.
    pub(super) read: fn(&mut MeterConfig, &str) -> Result<(), String>,
}

fn word<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn parse<T: std::str::FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// All columns. `name` and `line` have to be in every file.
pub(super) const COLUMNS: [Column; 15] = [
    Column {
        name: "name",
        write: |meter| meter.name.clone(),
        read: |meter, text| {
            text.clone_into(&mut meter.name);
            Ok(())
        },
    },
    Column {
        name: "serial",
        write: |meter| word(&meter.serial),
        read: |meter, text| {
            meter.serial = Some(text.to_owned());
            Ok(())
        },
    },
    Column {
        name: "line",
        write: |meter| meter.line.to_string(),
        read: |meter, text| {
            meter.line = parse::<Line>(text)?;
            Ok(())
        },
    },
    Column {
        name: "template",
        write: |meter| meter.template.clone(),
        read: |meter, text| {
            text.clone_into(&mut meter.template);
            Ok(())
        },
    },
    Column {
        name: "address",
        write: |meter| word(&meter.address),
        read: |meter, text| {
            meter.address = Some(parse(text)?);
            Ok(())
        },
    },
    Column {
        name: "client",
        write: |meter| word(&meter.client),
        read: |meter, text| {
            let client = text.parse().map_err(|_| format!("`{text}` is not a number from 0 to 65535"))?;
            meter.client = Some(client);
            Ok(())
        },
    },
    Column {
        name: "client_title",
        write: |meter| word(&meter.client_title),
        read: |meter, text| {
            meter.client_title = Some(parse(text)?);
            Ok(())
        },
    },
    Column {
        name: "server_title",
        write: |meter| word(&meter.server_title),
        read: |meter, text| {
            meter.server_title = Some(parse(text)?);
            Ok(())
        },
    },
    Column {
        name: "auth",
        write: |meter| meter.auth.to_string(),
        read: |meter, text| {
            meter.auth = parse(text)?;
            Ok(())
        },
    },
    Column {
        name: "security",
        write: |meter| meter.security.to_string(),
        read: |meter, text| {
            meter.security = parse(text)?;
            Ok(())
        },
    },
    Column {
        name: "point",
        write: |meter| word(&meter.point),
        read: |meter, text| {
            meter.point = Some(text.to_owned());
            Ok(())
        },
    },
    Column {
        name: "group",
        write: |meter| word(&meter.group),
        read: |meter, text| {
            meter.group = Some(text.to_owned());
            Ok(())
        },
    },
    Column {
        name: "time_zone",
        write: |meter| word(&meter.time_zone),
        read: |meter, text| {
            jiff::tz::TimeZone::get(text)
                .map_err(|_| format!("there is no time zone `{text}`: write one such as Europe/London"))?;
            meter.time_zone = Some(text.to_owned());
            Ok(())
        },
    },
    Column {
        name: "registers_in",
        write: |meter| meter.registers_in.name().to_owned(),
        read: |meter, text| {
            meter.registers_in = side(text)?;
            Ok(())
        },
    },
    Column {
        name: "note",
        write: |meter| meter.note.clone(),
        read: |meter, text| {
            text.clone_into(&mut meter.note);
            Ok(())
        },
    },
];

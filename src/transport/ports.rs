//! The serial ports of this computer.

use std::panic::catch_unwind;
use std::path::Path;

use serialport::SerialPortType;

/// A serial port and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortInfo {
    /// As a line names it: `/dev/ttyUSB0`, `COM5`.
    pub name: String,
    /// For people: `FTDI FT232R USB UART, serial A50285BI`; empty where nothing is known.
    pub description: String,
}

/// The ports that the system lists, by name. Pseudo-terminals and some adapters are not listed, so a typed name must
/// always be possible.
///
/// # Errors
/// The system cannot say, in words.
pub fn ports() -> Result<Vec<PortInfo>, String> {
    const NO_LIST: &str = "the system has no list of serial ports: is /sys mounted?";
    // The crate panics there (facts/desktop-stack.md, section 6), and a panic is noisy even when it is caught.
    if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").exists() {
        return Err(NO_LIST.to_owned());
    }
    let listed = catch_unwind(serialport::available_ports)
        .map_err(|_| NO_LIST.to_owned())?
        .map_err(|error| format!("the serial ports cannot be listed: {}", error.description))?;
    let mut ports: Vec<PortInfo> = listed
        .into_iter()
        .map(|port| PortInfo { name: port.port_name, description: describe(&port.port_type) })
        .collect();
    ports.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(ports)
}

fn describe(kind: &SerialPortType) -> String {
    match kind {
        SerialPortType::UsbPort(usb) => {
            let mut parts: Vec<&str> = Vec::new();
            parts.extend(usb.manufacturer.as_deref());
            parts.extend(usb.product.as_deref());
            let name = if parts.is_empty() {
                format!("USB {:04X}:{:04X}", usb.vid, usb.pid)
            } else {
                parts.join(" ")
            };
            match &usb.serial_number {
                Some(serial) => format!("{name}, serial {serial}"),
                None => name,
            }
        }
        SerialPortType::PciPort => "built in".to_owned(),
        SerialPortType::BluetoothPort => "Bluetooth".to_owned(),
        SerialPortType::Unknown => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serialport::UsbPortInfo;

    use super::*;

    fn usb(product: Option<&str>, serial: Option<&str>) -> SerialPortType {
        SerialPortType::UsbPort(UsbPortInfo {
            vid: 0x0403,
            pid: 0x6001,
            serial_number: serial.map(str::to_owned),
            manufacturer: None,
            product: product.map(str::to_owned),
        })
    }

    #[test]
    fn a_usb_port_is_described_by_its_product_and_serial_number() {
        assert_eq!(describe(&usb(Some("FT232R"), Some("A5"))), "FT232R, serial A5");
        assert_eq!(describe(&usb(None, None)), "USB 0403:6001");
    }

    #[test]
    fn listing_ports_never_panics() {
        let _ = ports();
    }
}

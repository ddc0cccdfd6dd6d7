//! The contactor of a virtual meter: states and control modes of class 70 (Blue Book, disconnect control).

/// control_state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContactorState {
    /// 0.
    Disconnected,
    /// 1.
    Connected,
    /// 2: somebody at the meter may reconnect.
    Ready,
}

/// A contactor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contactor {
    state: ContactorState,
    mode: u8,
}

impl Default for Contactor {
    /// Connected, moved from afar.
    fn default() -> Self {
        Self { state: ContactorState::Connected, mode: 4 }
    }
}

impl Contactor {
    /// control_state.
    pub(crate) const fn state(self) -> ContactorState {
        self.state
    }

    /// control_mode.
    pub(crate) const fn mode(self) -> u8 {
        self.mode
    }

    /// Whether the premises are supplied.
    pub(crate) const fn is_closed(self) -> bool {
        matches!(self.state, ContactorState::Connected)
    }

    /// Takes a control mode; false where there is none of that number. Mode 0 is always connected.
    pub(crate) const fn set_mode(&mut self, mode: u8) -> bool {
        if mode > 6 {
            return false;
        }
        self.mode = mode;
        if mode == 0 {
            self.state = ContactorState::Connected;
        }
        true
    }

    /// remote_disconnect: transitions b and c. False where the mode does not allow it.
    pub(crate) const fn disconnect(&mut self) -> bool {
        if self.mode == 0 {
            return false;
        }
        self.state = ContactorState::Disconnected;
        true
    }

    /// remote_reconnect: transition a closes, d makes ready. False where the mode or the state does not allow it.
    pub(crate) const fn reconnect(&mut self) -> bool {
        match (self.mode, self.state) {
            (0, _) => return false,
            (2 | 4, ContactorState::Disconnected) => self.state = ContactorState::Connected,
            (2 | 4, ContactorState::Ready) => return false,
            (_, ContactorState::Disconnected) => self.state = ContactorState::Ready,
            (_, ContactorState::Ready | ContactorState::Connected) => {}
        }
        true
    }

    /// Somebody presses the button at the meter: transition e closes, f opens where the mode allows that by hand.
    pub(crate) const fn press(&mut self) {
        match (self.mode, self.state) {
            (_, ContactorState::Ready) => self.state = ContactorState::Connected,
            (1 | 2 | 5, ContactorState::Connected) => self.state = ContactorState::Ready,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contactor(mode: u8) -> Contactor {
        let mut contactor = Contactor::default();
        assert!(contactor.set_mode(mode));
        contactor
    }

    #[test]
    fn remote_reconnection_closes_or_makes_ready_as_the_mode_says() {
        for (mode, state) in [
            (1, ContactorState::Ready),
            (2, ContactorState::Connected),
            (3, ContactorState::Ready),
            (4, ContactorState::Connected),
            (5, ContactorState::Ready),
            (6, ContactorState::Ready),
        ] {
            let mut contactor = contactor(mode);
            assert!(contactor.disconnect() && !contactor.is_closed());
            assert!(contactor.reconnect());
            assert_eq!(contactor.state(), state, "mode {mode}");
        }
    }

    #[test]
    fn a_button_opens_only_where_the_mode_lets_it() {
        for (mode, is_closed) in [(1, false), (2, false), (3, true), (4, true), (5, false), (6, true)] {
            let mut contactor = contactor(mode);
            contactor.press();
            assert_eq!(contactor.is_closed(), is_closed, "mode {mode}");
            contactor.press();
            assert!(contactor.is_closed(), "mode {mode}");
        }
    }

    #[test]
    fn mode_0_is_always_connected() {
        let mut contactor = contactor(4);
        contactor.disconnect();
        contactor.set_mode(0);
        assert!(contactor.is_closed() && !contactor.disconnect() && !contactor.reconnect());
        assert!(!contactor.set_mode(7));
    }
}

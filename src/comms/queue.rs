//! Which session may begin: one at a time on a bus, a few through a gateway or on a shared medium, a limited number
//! over the network, and so many new ones a second.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Line, LinePath, MeterConfig};

use super::turnstile::Turnstile;

/// What two sessions must not use at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum LineKey {
    /// A port of this computer.
    Port(String),
    /// A socket with a bus behind it.
    Bus(String),
    /// One meter's own way through the network.
    Own(String),
    /// One meter's own way behind a gateway, a power line or a mesh, which takes a few sessions at a time.
    Shared {
        /// The socket.
        host: String,
        /// How many sessions it takes.
        few: u16,
        /// The meter's own way.
        own: String,
    },
}

/// A line on which more than one meter hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SharedLine<'a> {
    /// The port, or the socket.
    pub(super) name: &'a str,
    /// How many sessions it takes at a time.
    pub(super) places: u16,
}

impl LineKey {
    /// The line of a meter. Case and spelling of a host are taken as typed: two spellings of one terminal server
    /// are two lines.
    pub(super) fn of(config: &MeterConfig) -> Self {
        let Line { path, gateway, medium } = &config.line;
        match path {
            LinePath::Serial(serial) | LinePath::Modem { serial, .. } => Self::Port(serial.port.clone()),
            LinePath::TcpHdlc(host) | LinePath::TcpFlag(host) => Self::Bus(host.to_string()),
            LinePath::Tcp(host) | LinePath::Udp(host) => {
                let habits = medium.habits();
                let few = if gateway.is_some() { habits.gateway_sessions } else { habits.sessions };
                let gateway = gateway.as_ref().map(|gateway| (gateway.network, gateway.address.clone()));
                let address = config.address.map(|address| address.logical);
                let own = format!("{host} {address:?} {gateway:?}");
                if few == 0 { Self::Own(own) } else { Self::Shared { host: host.to_string(), few, own } }
            }
        }
    }

    /// What other programs must be kept from as well; nothing where the line is one meter's own.
    pub(super) fn shared(&self) -> Option<SharedLine<'_>> {
        match self {
            Self::Port(name) | Self::Bus(name) => Some(SharedLine { name, places: 1 }),
            Self::Shared { host, few, .. } => Some(SharedLine { name: host, places: *few }),
            Self::Own(_) => None,
        }
    }

    /// Whether it counts towards the limit of sessions; ports are few by themselves.
    const fn is_counted(&self) -> bool {
        !matches!(self, Self::Port(_))
    }
}

/// How much goes over the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Sessions at a time.
    pub(super) sessions: usize,
    /// New connections a second; nought is no limit.
    pub(super) new_a_second: u32,
}

/// How soon an item should have its turn: what is more urgent goes ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Urgency(u8);

impl Urgency {
    /// A person waits for this one meter.
    pub(super) const ONE: Self = Self(11);
    /// A person waits for many.
    pub(super) const MANY: Self = Self(10);

    /// A meter list runs by itself, with this priority (1 to 9).
    pub(super) fn scheduled(priority: u8) -> Self {
        Self(priority.clamp(1, 9))
    }
}

/// A row for each urgency.
#[derive(Debug)]
struct Rows<T>(BTreeMap<Urgency, VecDeque<T>>);

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Rows<T> {
    fn push(&mut self, urgency: Urgency, item: T) {
        self.0.entry(urgency).or_default().push_back(item);
    }

    /// Puts what has waited elsewhere ahead of its row.
    fn put_first(&mut self, urgency: Urgency, item: T) {
        self.0.entry(urgency).or_default().push_front(item);
    }

    fn pop(&mut self) -> Option<(Urgency, T)> {
        let mut row = self.0.last_entry()?;
        let (urgency, item) = (*row.key(), row.get_mut().pop_front());
        if row.get().is_empty() {
            row.remove();
        }
        item.map(|item| (urgency, item))
    }

    fn head(&mut self) -> Option<&mut T> {
        self.0.values_mut().next_back()?.front_mut()
    }

    /// The urgency of the head.
    fn urgency(&self) -> Option<Urgency> {
        self.0.keys().next_back().copied()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, which: impl Fn(&T) -> bool, taken: &mut Vec<T>) {
        for row in self.0.values_mut() {
            for item in std::mem::take(row) {
                if which(&item) {
                    taken.push(item);
                } else {
                    row.push_back(item);
                }
            }
        }
        self.0.retain(|_, row| !row.is_empty());
    }
}

#[derive(Debug)]
struct Waiting<T> {
    busy: bool,
    rows: Rows<T>,
}

/// A socket that takes a few sessions at a time.
#[derive(Debug, Default)]
struct Host {
    held: u16,
    /// Lines whose turn came while it was full.
    parked: Rows<LineKey>,
}

/// Items that wait for their lines.
#[derive(Debug)]
pub(super) struct Queue<T> {
    lines: HashMap<LineKey, Waiting<T>>,
    ready_ports: Rows<LineKey>,
    ready_network: Rows<LineKey>,
    hosts: HashMap<String, Host>,
    limits: Limits,
    turnstile: Turnstile,
    counted: usize,
}

impl<T> Queue<T> {
    /// A queue that lets so much go over the network at once.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            lines: HashMap::new(),
            ready_ports: Rows::default(),
            ready_network: Rows::default(),
            hosts: HashMap::new(),
            limits: Limits { sessions: limits.sessions.max(1), ..limits },
            turnstile: Turnstile::new(&limits),
            counted: 0,
        }
    }

    /// Puts an item in its line's row.
    pub(super) fn push(&mut self, key: &LineKey, urgency: Urgency, item: T) {
        let line =
            self.lines.entry(key.clone()).or_insert_with(|| Waiting { busy: false, rows: Rows::default() });
        let first = line.rows.urgency() < Some(urgency);
        line.rows.push(urgency, item);
        if !line.busy && first {
            self.make_ready(key.clone(), urgency);
        }
    }

    fn make_ready(&mut self, key: LineKey, urgency: Urgency) {
        let ready = if key.is_counted() { &mut self.ready_network } else { &mut self.ready_ports };
        ready.push(urgency, key);
    }

    /// When [`Queue::next`] is to be asked again although nothing was pushed or given back.
    pub(super) fn opens(&self, now: Instant) -> Option<Instant> {
        let waits = !self.ready_network.is_empty() && self.counted < self.limits.sessions;
        self.turnstile.opens(now).filter(|_| waits)
    }

    /// The next item whose line is free; its line is held until [`Queue::done`].
    pub(super) fn next(&mut self, now: Instant) -> Option<(LineKey, T)> {
        loop {
            let (urgency, key) = match self.ready_ports.pop() {
                Some(port) => port,
                None if self.counted < self.limits.sessions && self.turnstile.opens(now).is_none() => {
                    self.ready_network.pop()?
                }
                None => return None,
            };
            // A line may stand in the row twice (an urgent item came after another), or its items were cancelled.
            let Some(line) = self.lines.get_mut(&key).filter(|line| !line.busy) else { continue };
            match line.rows.urgency() {
                None => continue,
                // What made it that urgent has had its turn already, or was cancelled.
                Some(less) if less < urgency => {
                    self.make_ready(key, less);
                    continue;
                }
                Some(_) => {}
            }
            if let LineKey::Shared { host, few, .. } = &key {
                let host = self.hosts.entry(host.clone()).or_default();
                if host.held >= *few {
                    host.parked.push(urgency, key);
                    continue;
                }
                host.held += 1;
            }
            let Some((_, item)) = line.rows.pop() else { continue };
            line.busy = true;
            if key.is_counted() {
                self.counted += 1;
                self.turnstile.pass(now);
            }
            return Some((key, item));
        }
    }

    /// The item that is next on a line that another session holds.
    pub(super) fn next_on_busy(&mut self, key: &LineKey) -> Option<&mut T> {
        self.lines.get_mut(key).filter(|line| line.busy)?.rows.head()
    }

    /// A session that went well took so long on this line.
    pub(super) fn lasted(&mut self, key: &LineKey, took: Duration) {
        if key.is_counted() {
            self.turnstile.learn(took);
        }
    }

    /// Gives a line back.
    pub(super) fn done(&mut self, key: &LineKey) {
        let Some(line) = self.lines.get_mut(key).filter(|line| line.busy) else { return };
        line.busy = false;
        self.counted -= usize::from(key.is_counted());
        match line.rows.urgency() {
            Some(urgency) => self.make_ready(key.clone(), urgency),
            None => {
                self.lines.remove(key);
            }
        }
        self.leave_host(key);
    }

    /// Gives a place on a shared host to the next that waits for one.
    fn leave_host(&mut self, key: &LineKey) {
        let LineKey::Shared { host: name, .. } = key else { return };
        let Some(host) = self.hosts.get_mut(name) else { return };
        host.held = host.held.saturating_sub(1);
        let lines = &self.lines;
        // One whose items were cancelled, or began on another turn, wants no place any more.
        let wants = |key: &LineKey| lines.get(key).is_some_and(|line| !line.busy && !line.rows.is_empty());
        let parked = std::iter::from_fn(|| host.parked.pop()).find(|(_, key)| wants(key));
        if host.held == 0 && parked.is_none() {
            self.hosts.remove(name);
        }
        if let Some((urgency, key)) = parked {
            self.ready_network.put_first(urgency, key);
        }
    }

    /// Takes out every waiting item that `which` names.
    pub(super) fn take(&mut self, which: impl Fn(&T) -> bool) -> Vec<T> {
        let mut taken = Vec::new();
        for line in self.lines.values_mut() {
            line.rows.take(&which, &mut taken);
        }
        self.lines.retain(|_, line| line.busy || !line.rows.is_empty());
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(line: &str) -> LineKey {
        LineKey::of(&MeterConfig::new("m", line.parse().unwrap()))
    }

    /// One whose sessions take no time, so that no gap is left between them.
    fn queue(sessions: usize) -> Queue<i32> {
        let mut queue = Queue::new(Limits { sessions, new_a_second: 0 });
        queue.lasted(&key("tcp://a"), Duration::ZERO);
        queue
    }

    /// All that may begin now.
    fn all(queue: &mut Queue<i32>) -> Vec<i32> {
        std::iter::from_fn(|| queue.next(Instant::now()).map(|next| next.1)).collect()
    }

    #[test]
    fn meters_on_one_terminal_server_share_a_line_and_those_on_the_network_do_not() {
        assert_eq!(key("tcp+hdlc://ts:8000"), key("tcp+hdlc://ts:8000"));
        assert_eq!(key("serial:/dev/ttyUSB0?baud=9600"), key("serial:/dev/ttyUSB0?optical"));
        assert_ne!(key("tcp://a:4059"), key("tcp://b:4059"));
        assert_ne!(key("tcp://a#gateway=1/1"), key("tcp://a#gateway=1/2"));
        assert_ne!(key("tcp://a?medium=plc#gateway=1/1"), key("tcp://a?medium=plc#gateway=1/2"));
    }

    #[test]
    fn a_meter_with_a_socket_of_its_own_shares_no_line() {
        let shared = |line: &str| key(line).shared().map(|line| (line.name.to_owned(), line.places));
        assert_eq!(shared("tcp://a:4059"), None);
        assert_eq!(shared("udp://a:4059"), None);
        assert_eq!(shared("tcp+hdlc://ts:8000"), Some(("ts:8000".to_owned(), 1)));
        assert_eq!(shared("serial:/dev/ttyUSB0?optical"), Some(("/dev/ttyUSB0".to_owned(), 1)));
        assert_eq!(shared("tcp://gw:4059#gateway=1/7"), Some(("gw:4059".to_owned(), 4)));
    }

    #[test]
    fn a_gateway_takes_a_few_at_once_and_each_meter_behind_it_one() {
        let mut queue = queue(10);
        for meter in [1, 1, 2, 3, 4, 5, 6] {
            queue.push(&key(&format!("tcp://gw#gateway=1/{meter}")), Urgency::MANY, meter);
        }
        queue.push(&key("tcp://elsewhere"), Urgency::MANY, 9);
        assert_eq!(all(&mut queue), [1, 2, 3, 4, 9], "four through the gateway, never two to a meter");
        queue.done(&key("tcp://gw#gateway=1/3"));
        assert_eq!(all(&mut queue), [5]);
        for meter in [1, 2, 4, 5] {
            queue.done(&key(&format!("tcp://gw#gateway=1/{meter}")));
        }
        let mut rest = all(&mut queue);
        rest.sort_unstable();
        assert_eq!(rest, [1, 6], "nothing is lost");
        for meter in [1, 6] {
            queue.done(&key(&format!("tcp://gw#gateway=1/{meter}")));
        }
        queue.done(&key("tcp://elsewhere"));
        assert!(queue.hosts.is_empty() && queue.lines.is_empty());
    }

    #[test]
    fn a_cancelled_meter_behind_a_gateway_takes_no_place() {
        let mut queue = queue(10);
        for meter in 1..=6 {
            queue.push(&key(&format!("tcp://gw#gateway=1/{meter}")), Urgency::MANY, meter);
        }
        assert_eq!(all(&mut queue), [1, 2, 3, 4]);
        assert_eq!(queue.take(|item| *item == 5), [5]);
        queue.done(&key("tcp://gw#gateway=1/1"));
        assert_eq!(all(&mut queue), [6]);
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn so_many_connections_begin_in_a_second_and_ports_do_not_wait() {
        let mut queue = Queue::new(Limits { sessions: 1000, new_a_second: 30 });
        for host in 0..100 {
            queue.push(&key(&format!("tcp://h{host}")), Urgency::MANY, host);
        }
        queue.push(&key("serial:/dev/ttyUSB0"), Urgency::MANY, 999);
        let start = Instant::now();
        let mut begun = Vec::new();
        while let Some(at) = {
            while let Some((_, item)) = queue.next(Instant::now()) {
                begun.push((item, Instant::now() - start));
            }
            queue.opens(Instant::now())
        } {
            tokio::time::sleep_until(at).await;
        }
        assert_eq!(begun.len(), 101);
        assert_eq!(begun[0], (999, Duration::ZERO));
        let in_first = begun.iter().filter(|(_, at)| *at < Duration::from_secs(1)).count();
        assert!((30..=35).contains(&in_first), "{in_first}");
        assert!(begun[100].1 > Duration::from_secs(3) && begun[100].1 < Duration::from_millis(3500));
    }

    #[test]
    fn a_shared_line_is_given_to_one_at_a_time_in_order() {
        let bus = key("tcp+hdlc://ts:8000");
        let mut queue = queue(10);
        for item in 1..=3 {
            queue.push(&bus, Urgency::MANY, item);
        }
        for item in 1..=3 {
            assert_eq!(queue.next(Instant::now()).unwrap().1, item);
            assert!(queue.next(Instant::now()).is_none());
            queue.done(&bus);
        }
        assert!(queue.next(Instant::now()).is_none());
        assert!(queue.lines.is_empty());
    }

    #[test]
    fn the_network_takes_as_many_as_the_limit_says_and_ports_do_not_count() {
        let mut queue = queue(2);
        for host in 1..=3 {
            queue.push(&key(&format!("tcp://h{host}")), Urgency::MANY, host);
        }
        queue.push(&key("serial:/dev/ttyUSB0"), Urgency::MANY, 9);
        let begun: Vec<i32> = std::iter::from_fn(|| queue.next(Instant::now()).map(|next| next.1)).collect();
        assert_eq!(begun, [9, 1, 2]);
        queue.done(&key("tcp://h1"));
        assert_eq!(queue.next(Instant::now()).unwrap().1, 3);
    }

    #[test]
    fn what_a_person_waits_for_goes_ahead() {
        let mut queue = queue(1);
        for host in 1..=3 {
            queue.push(&key(&format!("tcp://h{host}")), Urgency::MANY, host);
        }
        queue.push(&key("tcp://h3"), Urgency::ONE, 30);
        assert_eq!(queue.next(Instant::now()).unwrap().1, 30);
        queue.done(&key("tcp://h3"));
        let mut rest = Vec::new();
        while let Some((line, item)) = queue.next(Instant::now()) {
            rest.push(item);
            queue.done(&line);
        }
        rest.sort_unstable();
        assert_eq!(rest, [1, 2, 3], "nothing is lost");
    }

    #[test]
    fn what_a_person_waits_for_goes_ahead_of_lists_and_lists_go_by_their_priority() {
        let mut queue = queue(1);
        let bus = key("tcp+hdlc://ts:8000");
        let urgencies = [Urgency::scheduled(5), Urgency::scheduled(9), Urgency::MANY, Urgency::ONE];
        for (item, urgency) in (0..).zip(urgencies) {
            queue.push(&bus, urgency, item);
            queue.push(&key(&format!("tcp://h{item}")), urgency, 10 + item);
        }
        let mut order = Vec::new();
        while let Some((line, item)) = queue.next(Instant::now()) {
            order.push(item % 10);
            queue.done(&line);
        }
        assert_eq!(order, [3, 3, 2, 2, 1, 1, 0, 0]);
    }

    #[test]
    fn cancelled_items_are_taken_out_and_the_others_keep_their_order() {
        let bus = key("serial:/dev/ttyUSB0");
        let mut queue = queue(1);
        for item in 1..=4 {
            queue.push(&bus, Urgency::MANY, item);
        }
        assert_eq!(queue.take(|item| item % 2 == 0), [2, 4]);
        assert_eq!(queue.next(Instant::now()).unwrap().1, 1);
        assert_eq!(queue.next_on_busy(&bus), Some(&mut 3));
    }
}

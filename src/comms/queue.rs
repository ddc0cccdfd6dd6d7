//! Which session may begin: one at a time on a shared line, a limited number over the network.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::model::{Line, LinePath, Medium, MeterConfig};

/// What two sessions must not use at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum LineKey {
    /// A port of this computer.
    Port(String),
    /// A socket with a bus, a power line or a mesh behind it.
    Bus(String),
    /// One meter's own way through the network.
    Own(String),
}

impl LineKey {
    /// The line of a meter. Case and spelling of a host are taken as typed: two spellings of one terminal server
    /// are two lines.
    pub(super) fn of(config: &MeterConfig) -> Self {
        let Line { path, gateway, medium } = &config.line;
        match path {
            LinePath::Serial(serial) | LinePath::Modem { serial, .. } => Self::Port(serial.port.clone()),
            LinePath::TcpHdlc(host) | LinePath::TcpFlag(host) => Self::Bus(host.to_string()),
            LinePath::Tcp(host) | LinePath::Udp(host) if *medium != Medium::Direct => {
                Self::Bus(host.to_string())
            }
            LinePath::Tcp(host) | LinePath::Udp(host) => {
                let gateway = gateway.as_ref().map(|gateway| (gateway.network, gateway.address.clone()));
                Self::Own(format!("{host} {:?} {gateway:?}", config.address.map(|address| address.logical)))
            }
        }
    }

    /// Whether it counts towards the limit of sessions; ports are few by themselves.
    const fn is_counted(&self) -> bool {
        !matches!(self, Self::Port(_))
    }
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

/// Items that wait for their lines.
#[derive(Debug)]
pub(super) struct Queue<T> {
    lines: HashMap<LineKey, Waiting<T>>,
    ready_ports: Rows<LineKey>,
    ready_network: Rows<LineKey>,
    limit: usize,
    counted: usize,
}

impl<T> Queue<T> {
    /// A queue that lets at most `limit` sessions go over the network at once.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            lines: HashMap::new(),
            ready_ports: Rows::default(),
            ready_network: Rows::default(),
            limit: limit.max(1),
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

    /// The next item whose line is free; its line is held until [`Queue::done`].
    pub(super) fn next(&mut self) -> Option<(LineKey, T)> {
        loop {
            let (urgency, key) = match self.ready_ports.pop() {
                Some(port) => port,
                None if self.counted < self.limit => self.ready_network.pop()?,
                None => return None,
            };
            // A line may stand in the row twice (an urgent item came after another), or its items were cancelled.
            let Some(line) = self.lines.get_mut(&key).filter(|line| !line.busy) else { continue };
            // What made it that urgent has had its turn already, or was cancelled.
            if let Some(less) = line.rows.urgency().filter(|less| *less < urgency) {
                self.make_ready(key, less);
                continue;
            }
            let Some((_, item)) = line.rows.pop() else { continue };
            line.busy = true;
            self.counted += usize::from(key.is_counted());
            return Some((key, item));
        }
    }

    /// The item that is next on a line that another session holds.
    pub(super) fn next_on_busy(&mut self, key: &LineKey) -> Option<&mut T> {
        self.lines.get_mut(key).filter(|line| line.busy)?.rows.head()
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

    #[test]
    fn meters_on_one_terminal_server_share_a_line_and_those_on_the_network_do_not() {
        assert_eq!(key("tcp+hdlc://ts:8000"), key("tcp+hdlc://ts:8000"));
        assert_eq!(key("serial:/dev/ttyUSB0?baud=9600"), key("serial:/dev/ttyUSB0?optical"));
        assert_ne!(key("tcp://a:4059"), key("tcp://b:4059"));
        assert_ne!(key("tcp://a#gateway=1/1"), key("tcp://a#gateway=1/2"));
        assert_eq!(key("tcp://a?medium=plc#gateway=1/1"), key("tcp://a?medium=plc#gateway=1/2"));
    }

    #[test]
    fn a_shared_line_is_given_to_one_at_a_time_in_order() {
        let bus = key("tcp+hdlc://ts:8000");
        let mut queue = Queue::new(10);
        for item in 1..=3 {
            queue.push(&bus, Urgency::MANY, item);
        }
        for item in 1..=3 {
            assert_eq!(queue.next().unwrap().1, item);
            assert!(queue.next().is_none());
            queue.done(&bus);
        }
        assert!(queue.next().is_none());
        assert!(queue.lines.is_empty());
    }

    #[test]
    fn the_network_takes_as_many_as_the_limit_says_and_ports_do_not_count() {
        let mut queue = Queue::new(2);
        for host in 1..=3 {
            queue.push(&key(&format!("tcp://h{host}")), Urgency::MANY, host);
        }
        queue.push(&key("serial:/dev/ttyUSB0"), Urgency::MANY, 9);
        let begun: Vec<i32> = std::iter::from_fn(|| queue.next().map(|next| next.1)).collect();
        assert_eq!(begun, [9, 1, 2]);
        queue.done(&key("tcp://h1"));
        assert_eq!(queue.next().unwrap().1, 3);
    }

    #[test]
    fn what_a_person_waits_for_goes_ahead() {
        let mut queue = Queue::new(1);
        for host in 1..=3 {
            queue.push(&key(&format!("tcp://h{host}")), Urgency::MANY, host);
        }
        queue.push(&key("tcp://h3"), Urgency::ONE, 30);
        assert_eq!(queue.next().unwrap().1, 30);
        queue.done(&key("tcp://h3"));
        let mut rest = Vec::new();
        while let Some((line, item)) = queue.next() {
            rest.push(item);
            queue.done(&line);
        }
        rest.sort_unstable();
        assert_eq!(rest, [1, 2, 3], "nothing is lost");
    }

    #[test]
    fn what_a_person_waits_for_goes_ahead_of_lists_and_lists_go_by_their_priority() {
        let mut queue = Queue::new(1);
        let bus = key("tcp+hdlc://ts:8000");
        for (item, urgency) in [Urgency::scheduled(5), Urgency::scheduled(9), Urgency::MANY, Urgency::ONE]
            .into_iter()
            .enumerate()
        {
            queue.push(&bus, urgency, item);
            queue.push(&key(&format!("tcp://h{item}")), urgency, 10 + item);
        }
        let mut order = Vec::new();
        while let Some((line, item)) = queue.next() {
            order.push(item % 10);
            queue.done(&line);
        }
        assert_eq!(order, [3, 3, 2, 2, 1, 1, 0, 0]);
    }

    #[test]
    fn cancelled_items_are_taken_out_and_the_others_keep_their_order() {
        let bus = key("serial:/dev/ttyUSB0");
        let mut queue = Queue::new(1);
        for item in 1..=4 {
            queue.push(&bus, Urgency::MANY, item);
        }
        assert_eq!(queue.take(|item| item % 2 == 0), [2, 4]);
        assert_eq!(queue.next().unwrap().1, 1);
        assert_eq!(queue.next_on_busy(&bus), Some(&mut 3));
    }
}

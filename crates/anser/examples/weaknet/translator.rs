//! The address translator between a phone and the server, without any I/O: which address the server sees, and where what
//! it answers goes.
//!
//! A socket of the phone has an address at the translator as long as anything passes. What was forgotten is told to nobody:
//! what the server sends there is lost, and what the phone sends next comes from another address.

use std::net::SocketAddr;
use std::time::Duration;

use super::weather::Timetable;

/// All addresses that a phone has had.
#[derive(Debug, Default)]
pub struct Translator(Vec<Route>);

#[derive(Debug)]
struct Route {
    phone: SocketAddr,
    host: usize,
    /// When something passed last, either way.
    carried: Duration,
}

impl Translator {
    /// By which address something of this socket goes to the server now; they are numbered as they come.
    pub fn outward(&mut self, now: Duration, phone: SocketAddr, timetable: &Timetable) -> usize {
        let known = self.newest(phone);
        if let Some(known) = known
            && !timetable.forgets(self.0[known].carried, now)
        {
            self.0[known].carried = now;
            return known;
        }
        let hosts = self.0.iter().map(|route| route.host + 1).max().unwrap_or_default();
        let host = known.map_or(hosts, |known| self.0[known].host);
        self.0.push(Route { phone, host, carried: now });
        self.0.len() - 1
    }

    /// Which socket gets what the server sent to this address now; `None` if the address is forgotten.
    pub fn inward(
        &mut self,
        now: Duration,
        number: usize,
        timetable: &Timetable,
    ) -> Option<SocketAddr> {
        let route = self.0.get(number)?;
        if self.newest(route.phone) != Some(number) || timetable.forgets(route.carried, now) {
            return None;
        }
        let route = self.0.get_mut(number)?;
        route.carried = now;
        Some(route.phone)
    }

    /// Addresses of one host differ in their ports only. A phone that opened another socket has moved to another host.
    pub fn host(&self, number: usize) -> usize {
        self.0[number].host
    }

    fn newest(&self, phone: SocketAddr) -> Option<usize> {
        self.0.iter().rposition(|route| route.phone == phone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::secs;

    fn socket(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn forgetting() -> Timetable {
        Timetable { forgets_after: Some(secs(20)), ..Timetable::default() }
    }

    #[test]
    fn an_address_is_kept_as_long_as_anything_passes_either_way() {
        let (mut translator, timetable) = (Translator::default(), forgetting());
        assert_eq!(translator.outward(secs(0), socket(1), &timetable), 0);
        assert_eq!(translator.inward(secs(19), 0, &timetable), Some(socket(1)));
        assert_eq!(translator.outward(secs(38), socket(1), &timetable), 0);
    }

    #[test]
    fn a_forgotten_address_swallows_what_is_sent_to_it_and_the_phone_gets_another_port() {
        let (mut translator, timetable) = (Translator::default(), forgetting());
        assert_eq!(translator.outward(secs(0), socket(1), &timetable), 0);
        assert_eq!(translator.inward(secs(20), 0, &timetable), None);
        assert_eq!(translator.outward(secs(30), socket(1), &timetable), 1);
        assert_eq!(translator.host(1), translator.host(0));
        assert_eq!(translator.inward(secs(31), 0, &timetable), None, "it does not come back");
        assert_eq!(translator.inward(secs(31), 0, &Timetable::default()), None);
        assert_eq!(translator.inward(secs(31), 1, &timetable), Some(socket(1)));
    }

    #[test]
    fn another_socket_of_the_phone_is_another_host() {
        let (mut translator, timetable) = (Translator::default(), Timetable::default());
        assert_eq!(translator.outward(secs(0), socket(1), &timetable), 0);
        assert_eq!(translator.outward(secs(9), socket(2), &timetable), 1);
        assert_ne!(translator.host(1), translator.host(0));
        assert_eq!(translator.inward(secs(9), 0, &timetable), Some(socket(1)), "both are known");
    }
}

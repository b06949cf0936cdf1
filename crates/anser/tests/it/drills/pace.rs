//! How long answers and messages take while a drill goes on: reported, never asserted.

use std::fmt::{self, Display};
use std::ops::Range;
use std::time::Duration;

use anser_sim::checker::{Journal, What};
use anser_types::LocalNo;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::people::{Board, Person};

/// Between the answer to a message and the next message.
const PAUSE: Duration = Duration::from_millis(10);

/// Everybody says one thing after the other, each when the one before is answered: so many at least, and until it is
/// over.
pub async fn converse(
    people: Vec<Person>,
    board: &Board,
    at_least: usize,
    is_over: &watch::Receiver<bool>,
) -> Vec<Person> {
    let mut talking = JoinSet::new();
    for mut person in people {
        let (board, is_over) = (board.clone(), is_over.clone());
        talking.spawn(async move {
            let mut said = 0;
            while said < at_least || !*is_over.borrow() {
                person.say(&board, format!("{} of {}", said, person.client.user())).await;
                person.wait_sent(&board, *person.sent.last().unwrap()).await;
                said += 1;
                tokio::time::sleep(PAUSE).await;
            }
            person
        });
    }
    let mut people = talking.join_all().await;
    people.sort_by(|a, b| a.client.user().cmp(b.client.user()));
    people
}

/// Times, sorted.
pub struct Times(Vec<Duration>);

impl Times {
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        Self::new(self.0)
    }

    /// From a message into the outbox to its answer in the app, for messages said in this time.
    pub fn of_answers(people: &[Person], window: &Range<u64>) -> Self {
        let times = people.iter().flat_map(|person| answered(&person.journal.lock(), window));
        Self::new(times.collect())
    }

    /// The time within which so many of 1,000 were done.
    pub fn within(&self, of_1000: usize) -> Duration {
        let at = (self.0.len() * of_1000).div_ceil(1000);
        self.0.get(at.saturating_sub(1)).copied().unwrap_or_default()
    }
}

impl Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |of_1000| self.within(of_1000).as_secs_f64() * 1e3;
        write!(
            f,
            "{} times, p50 {:.1} ms, p99 {:.1} ms, slowest {:.1} ms",
            self.0.len(),
            ms(500),
            ms(990),
            ms(1000)
        )
    }
}

fn answered(journal: &Journal, window: &Range<u64>) -> Vec<Duration> {
    let mut said = std::collections::BTreeMap::<LocalNo, u64>::new();
    let mut times = Vec::new();
    for entry in &journal.entries {
        match &entry.what {
            What::Invoke { local_no, .. } if window.contains(&entry.at_ns) => {
                said.entry(*local_no).or_insert(entry.at_ns);
            }
            What::Ok { local_no, .. } => {
                let Some(at_ns) = said.remove(local_no) else { continue };
                times.push(Duration::from_nanos(entry.at_ns.saturating_sub(at_ns)));
            }
            _ => {}
        }
    }
    times
}

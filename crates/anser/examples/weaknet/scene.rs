//! Four people on one network over one transport: two pairs of friends and a group of all, who talk, are quiet, and say
//! a last word; and what was measured meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anser_types::{ConversationId, InvalidId, Target, UserId};
use anyhow::Context as _;
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::Barrier;
use tokio::time::{Instant, sleep};

use crate::figures::{Outcome, Traffic};
use crate::person::{Audience, Person, Shared};
use crate::profile::Profile;
use crate::program::Server;
use crate::record::Record;
use crate::script::script;
use crate::tally::Tally;
use crate::transport::Transport;
use crate::weather::Weather;

const PEOPLE: usize = 4;
/// Everything on a calm network is there by then, or never.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at the record.
const LOOK: Duration = Duration::from_millis(50);

/// What is to be played.
#[derive(Clone, Copy)]
pub struct Scene {
    pub profile: &'static Profile,
    pub transport: Transport,
    /// How long people talk, and then are quiet.
    pub phase: Duration,
    pub seed: u64,
}

impl Scene {
    /// Plays it. All scenes begin to talk together, when `ready` lets them.
    pub async fn play(self, server: Arc<Server>, ready: Arc<Barrier>) -> anyhow::Result<Outcome> {
        let stores = tempfile::tempdir()?;
        let mut random = SmallRng::seed_from_u64(self.seed);
        let names: Result<_, _> = (0..PEOPLE).map(|number| self.name(number)).collect();
        let shared = Shared { names: names?, record: Arc::default(), began: Instant::now() };
        let record = Arc::clone(&shared.record);
        let people = self.gather(&server, stores.path(), &mut random, &shared).await?;
        let (friends, group) = self.meet(&people, &record).await?;
        ready.wait().await;

        let (talk, recoveries) = self.talk(&people, &friends, &group, &mut random).await?;
        // What the trouble held up comes while the network is as slow as ever.
        settle(&people, &record).await?;
        let before = tallies(&people);
        sleep(self.phase).await;
        let quiet = since(&before, &people);
        for (person, friend) in people.iter().zip(&friends) {
            person.say(friend, true).await?;
        }
        settle(&people, &record).await?;
        for person in &people {
            person.link.set(Weather::calm());
            person.client.network_changed("wifi:home").await?;
        }
        settle(&people, &record).await?;
        for person in people {
            person.leave().await?;
        }
        let record = record.lock();
        Ok(Outcome {
            profile: self.profile,
            transport: self.transport,
            said: record.said.len(),
            heard: record.heard.len(),
            failed: record.sent_again.len(),
            delays: record.delays(),
            recoveries,
            talk: Traffic::of(&talk, self.phase),
            quiet: Traffic::of(&quiet, self.phase),
            verdicts: record.verdicts(),
        })
    }

    fn name(&self, number: usize) -> Result<UserId, InvalidId> {
        UserId::new(&format!("{}-{}-{number}", self.profile.name, self.transport.name()))
    }

    async fn gather(
        &self,
        server: &Server,
        stores: &Path,
        random: &mut SmallRng,
        shared: &Shared,
    ) -> anyhow::Result<Vec<Person>> {
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            let seed = random.next_u64();
            let person = Person::come(number, server, self.transport, stores, seed, shared.clone());
            people.push(person.await.with_context(|| format!("{number} cannot sign in"))?);
        }
        for person in &people {
            person.client.wait_synced().await?;
        }
        Ok(people)
    }

    /// Everybody gets to know their friend and the group; whom each speaks to.
    async fn meet(
        &self,
        people: &[Person],
        record: &Mutex<Record>,
    ) -> anyhow::Result<(Vec<Audience>, Vec<Audience>)> {
        let names: Vec<_> = people.iter().map(|person| person.client.user().clone()).collect();
        let group = people[0].client.create_group("all", names[1..].to_vec(), false).await?;
        let friend = |n: usize| {
            let other = n ^ 1;
            Audience {
                target: Target::User(names[other].clone()),
                conversation: ConversationId::direct(&names[n], &names[other]),
                people: vec![other],
            }
        };
        let others = |n: usize| Audience {
            target: Target::Conversation(group),
            conversation: group,
            people: (0..PEOPLE).filter(|other| *other != n).collect(),
        };
        let friends: Vec<_> = (0..PEOPLE).map(friend).collect();
        let groups: Vec<_> = (0..PEOPLE).map(others).collect();
        for n in 0..PEOPLE {
            people[n].say(&friends[n], false).await?;
        }
        people[0].say(&groups[0], false).await?;
        settle(people, record).await?;
        anyhow::ensure!(record.lock().is_complete(), "nobody can talk on a calm network");
        Ok((friends, groups))
    }

    /// The network becomes what the profile says, and everybody does what their script says.
    async fn talk(
        &self,
        people: &[Person],
        friends: &[Audience],
        groups: &[Audience],
        random: &mut SmallRng,
    ) -> anyhow::Result<(Vec<Tally>, Vec<Option<Duration>>)> {
        let before = tallies(people);
        let mut days = Vec::new();
        for (person, (friend, group)) in people.iter().zip(friends.iter().zip(groups)) {
            let begin = person.link.now();
            let weather = self.profile.weather(begin, self.phase, random);
            person.link.set(weather.clone());
            let acts = script(self.profile, self.phase, random);
            days.push(async move {
                let acting = async {
                    for (at, act) in acts {
                        person.link.wait_until(begin + at).await;
                        person.act(act, friend, group).await?;
                    }
                    person.link.wait_until(begin + self.phase).await;
                    anyhow::Ok(())
                };
                let (acted, recoveries) = tokio::join!(acting, person.recoveries(&weather));
                acted.map(|()| recoveries)
            });
        }
        let [a, b, c, d] = <[_; PEOPLE]>::try_from(days).ok().context("four people")?;
        let (a, b, c, d) = tokio::try_join!(a, b, c, d)?;
        Ok((since(&before, people), [a, b, c, d].concat()))
    }
}

/// Waits until everything said has reached everybody; what its sender sees as failed is sent again. Gives up after a
/// while: the judge says what is missing.
async fn settle(people: &[Person], record: &Mutex<Record>) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    while !record.lock().is_complete() && Instant::now() < until {
        for person in people {
            person.send_failed_again().await?;
        }
        sleep(LOOK).await;
    }
    Ok(())
}

fn tallies(people: &[Person]) -> Vec<Tally> {
    people.iter().map(|person| person.link.tally()).collect()
}

fn since(before: &[Tally], people: &[Person]) -> Vec<Tally> {
    people.iter().zip(before).map(|(person, before)| person.link.tally() - *before).collect()
}

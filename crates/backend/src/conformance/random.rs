//! Random runs: the same steps on the store and on the reference, every answer and every read compared.

use std::collections::BTreeMap;

use anser_types::{
    Alteration, ChangeKind, ChangeNo, Channel, CommandNo, Contact, Content, ConversationId,
    ConversationKind, ErrorCode, Group, InboxSeq, Item, ItemKey, Member, MemberAct, Options, Role,
    Seq, SessionEpoch, Settings, UnixMs, UserNo, Version,
};
use proptest::test_runner::{Config, TestRunner};

use super::Settings as Cost;
use super::harness::{Harness, MemoryHarness};
use super::random_plan::{Act, By, Deed, Step, steps};
use super::subject::{Subject, WHOLE, page_of};
use crate::append::{Append, Appended, MemberWrite, Origin, Record};
use crate::ledger::{DeviceKey, SoftPosition};
use crate::reads::{Order, Whom};
use crate::testing::{AppendBuilder, Person, direct_row, group, group_row};

const DAY_MS: u64 = 24 * 3600 * 1000;

/// Whatever is done to it, the store answers and reads like the reference.
///
/// # Panics
/// With the shortest sequence of steps after which the two differ.
pub fn stores_agree_with_the_reference<H: Harness>(settings: Cost, make: &impl Fn() -> H) {
    let config = Config { cases: settings.cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps(settings.steps), |steps| {
        let mut run = Run::new(make());
        for step in &steps {
            run.step(step);
            run.compare();
        }
        run.restart(Subject::kill);
        run.compare();
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// A place of a run: a direct conversation or a group.
#[derive(Clone, Copy)]
enum Room {
    Direct(usize, usize),
    Group(u64),
}

const CHANNEL: u64 = 2;

const ROOMS: [Room; 6] = [
    Room::Group(1),
    Room::Group(256),
    Room::Direct(0, 1),
    Room::Direct(0, 2),
    Room::Direct(3, 3),
    Room::Group(CHANNEL),
];

/// A device and the epochs its sessions were given, by the store and by the reference.
struct Hand {
    key: DeviceKey,
    sessions: Vec<(SessionEpoch, SessionEpoch)>,
    /// What was executed, oldest first, with its number.
    executed: Vec<Append>,
    last: CommandNo,
    /// The highest cursor noted, and what of it was flushed.
    cursor: (InboxSeq, InboxSeq),
}

/// An append on its way to both stores, and the session it speaks for.
struct Planned {
    append: Append,
    session: Option<(usize, usize)>,
}

struct Run<H: Harness> {
    store: Subject<H>,
    reference: Subject<MemoryHarness>,
    people: [Person; 4],
    hands: Vec<Hand>,
    clock: u64,
    /// Commands planned for each device in the batch that is being made.
    planned: BTreeMap<usize, u64>,
    /// Delivered positions noted, and what of them was flushed.
    delivered: BTreeMap<(ConversationId, UserNo), (Seq, Seq)>,
}

impl<H: Harness> Run<H> {
    fn new(harness: H) -> Self {
        let store = Subject::over(harness);
        let people = store.people();
        let hands = people
            .iter()
            .flat_map(|person| [person.device(1), person.device(2)])
            .map(|key| Hand {
                key,
                sessions: Vec::new(),
                executed: Vec::new(),
                last: CommandNo::ZERO,
                cursor: (InboxSeq::ZERO, InboxSeq::ZERO),
            })
            .collect();
        let reference = Subject::over(MemoryHarness::default());
        let mut run = Self {
            store,
            reference,
            people,
            hands,
            clock: 1_000_000,
            planned: BTreeMap::new(),
            delivered: BTreeMap::new(),
        };
        (0..run.hands.len()).for_each(|hand| run.open(hand));
        run
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Batch(acts) => self.batch(acts),
            Step::Session(device) => self.open(usize::from(*device) % self.hands.len()),
            Step::Note { device, room, up_to } => {
                let hand = usize::from(*device) % self.hands.len();
                self.note(hand, self.id(room_of(*room)), u64::from(*up_to));
            }
            Step::Flush => self.flush(),
            Step::Trim { keep } => {
                let (keep, expected) = (u64::from(*keep), self.reference.trim_to(u64::from(*keep)));
                assert_eq!(self.store.trim_to(keep), expected, "entries trimmed");
            }
            Step::Expire { days } => {
                let used_until = self.clock.saturating_sub(u64::from(*days) * DAY_MS);
                let expected = self.reference.expire_keys(used_until);
                assert_eq!(self.store.expire_keys(used_until), expected, "keys removed");
            }
            Step::Kill => self.restart(Subject::kill),
            Step::Reopen => {
                self.flush();
                self.restart(Subject::reopen);
            }
        }
    }

    fn id(&self, room: Room) -> ConversationId {
        match room {
            Room::Direct(one, other) => self.people[one].direct(&self.people[other]),
            Room::Group(number) => group(number),
        }
    }

    fn open(&mut self, hand: usize) {
        let key = self.hands[hand].key;
        let (found, expected) = (self.store.open(key), self.reference.open(key));
        assert_eq!(found.last_command_no, expected.last_command_no, "{key:?}");
        assert_eq!(found.inbox, expected.inbox, "{key:?}");
        assert_eq!(found.cursor, expected.cursor, "{key:?}");
        let hand = &mut self.hands[hand];
        if let Some((earlier, _)) = hand.sessions.last() {
            assert!(found.epoch > *earlier, "session epochs grow");
        }
        hand.sessions.push((found.epoch, expected.epoch));
        hand.last = expected.last_command_no;
    }

    fn note(&mut self, hand: usize, id: ConversationId, up_to: u64) {
        let DeviceKey { user, .. } = self.hands[hand].key;
        let cursor = InboxSeq(up_to);
        let positions = [
            SoftPosition::Cursor { device: self.hands[hand].key, up_to: cursor },
            SoftPosition::Delivered { conversation: id, user, up_to: Seq(up_to) },
        ];
        self.store.note(&positions);
        self.reference.note(&positions);
        let noted = &mut self.hands[hand].cursor.0;
        *noted = cursor.max(*noted);
        let noted = &mut self.delivered.entry((id, user)).or_default().0;
        *noted = Seq(up_to).max(*noted);
    }

    fn flush(&mut self) {
        self.store.flush();
        self.reference.flush();
        self.hands.iter_mut().for_each(|hand| hand.cursor.1 = hand.cursor.0);
        self.delivered.values_mut().for_each(|(noted, flushed)| *flushed = *noted);
    }

    /// After a restart, what was not flushed may be lost or not; clients bring it back, and both are equal again.
    fn restart(&mut self, restart: impl Fn(&mut Subject<H>)) {
        restart(&mut self.store);
        self.reference.kill();
        for ((id, user), (noted, flushed)) in self.delivered.clone() {
            let users = [user];
            let found = self.store.call(|ports| ports.conversations.positions(id, &users));
            assert!((flushed..=noted).contains(&found[0].delivered), "{found:?} in {noted:?}");
            let again = [SoftPosition::Delivered { conversation: id, user, up_to: noted }];
            self.store.note(&again);
            self.reference.note(&again);
        }
        for hand in 0..self.hands.len() {
            let Hand { key, cursor: (noted, flushed), .. } = self.hands[hand];
            let found = self.store.open(key);
            assert!((flushed..=noted).contains(&found.cursor), "{found:?} in {flushed}..={noted}");
            let again = [SoftPosition::Cursor { device: key, up_to: noted }];
            self.store.note(&again);
            self.reference.note(&again);
            self.open(hand);
        }
    }

    fn batch(&mut self, acts: &[Act]) {
        self.planned.clear();
        let planned: Vec<Planned> = acts.iter().map(|act| self.plan(act)).collect();
        let side = |run: &Self, pick: fn(&(SessionEpoch, SessionEpoch)) -> SessionEpoch| {
            planned.iter().map(|planned| run.speak(planned, pick)).collect::<Vec<_>>()
        };
        let (to_store, to_reference) =
            (side(self, |epochs| epochs.0), side(self, |epochs| epochs.1));
        let expected = self.reference.append(to_reference);
        let found = self.store.append(to_store);
        assert_eq!(found, expected, "of {acts:#?}");
        for (planned, result) in planned.into_iter().zip(expected) {
            if let (Some((hand, _)), Appended::Committed(_)) = (planned.session, result) {
                let hand = &mut self.hands[hand];
                hand.last = hand.last.next();
                hand.executed.push(planned.append);
            }
        }
    }

    /// The append with the epoch that one side gave to its session.
    fn speak(
        &self,
        planned: &Planned,
        pick: fn(&(SessionEpoch, SessionEpoch)) -> SessionEpoch,
    ) -> Append {
        let mut append = planned.append.clone();
        if let (Origin::Device { epoch, .. }, Some((hand, session))) =
            (&mut append.origin, planned.session)
        {
            *epoch = pick(&self.hands[hand].sessions[session]);
        }
        append
    }

    fn plan(&mut self, act: &Act) -> Planned {
        self.clock = self.clock.saturating_add_signed(i64::from(act.later_ms));
        let present = |hand: usize, run: &Self| Some((hand, run.hands[hand].sessions.len() - 1));
        let hands = self.hands.len();
        let hand_of = |device: u8| usize::from(device) % hands;
        let command = |run: &Self, hand: usize, number: CommandNo| {
            AppendBuilder::command(run.hands[hand].key, SessionEpoch::ZERO, number)
        };
        let (who, builder, session) = match &act.origin {
            By::Again { device, back, altered } => {
                let hand = hand_of(*device);
                let executed = &self.hands[hand].executed;
                let Some(at) = executed.len().checked_sub(1 + usize::from(*back)) else {
                    // Nothing to repeat yet: number 0 was never a command and has no answer.
                    let append = command(self, hand, CommandNo::ZERO).build();
                    return Planned { append, session: present(hand, self) };
                };
                let mut append = executed[at].clone();
                if let (Origin::Device { hash, .. }, true) = (&mut append.origin, altered) {
                    hash[15] ^= 0xff;
                }
                return Planned { append, session: present(hand, self) };
            }
            By::Next { device, unanswered } => {
                let hand = hand_of(*device);
                let planned = self.planned.entry(hand).or_default();
                *planned += 1;
                let number = CommandNo(self.hands[hand].last.0 + *planned);
                let confirmed = CommandNo(number.0.saturating_sub(u64::from(*unanswered) + 1));
                (hand / 2, command(self, hand, number).answered(confirmed), present(hand, self))
            }
            By::Ahead { device, by } => {
                let hand = hand_of(*device);
                let number = CommandNo(self.hands[hand].last.0 + 1 + u64::from(*by));
                (hand / 2, command(self, hand, number), present(hand, self))
            }
            By::Ghost { device } => {
                let hand = hand_of(*device);
                let earlier = self.hands[hand].sessions.len().saturating_sub(2);
                let number = self.hands[hand].last.next();
                (hand / 2, command(self, hand, number), Some((hand, earlier)))
            }
            By::Key { person, key, days, altered } => {
                self.clock += u64::from(*days) * DAY_MS;
                let person = usize::from(*person) % self.people.len();
                let builder = AppendBuilder::keyed(&self.people[person], &format!("key{key}"));
                (person, builder.bytes(u64::from(*altered)), None)
            }
            By::Server => (0, AppendBuilder::internal(), None),
        };
        let append = self.deed(builder.at(self.clock), who, act).build();
        Planned { append, session }
    }

    /// Adds what an act does, on the versions and members as they were before the batch.
    fn deed(&self, builder: AppendBuilder, who: usize, act: &Act) -> AppendBuilder {
        let room = room_of(act.room);
        let id = self.id(room);
        let roster = self.reference.roster(id);
        let version = roster.as_ref().map_or(Version::ZERO, |roster| roster.version());
        let expected = if act.stale { Version(version.0 + 1) } else { version };
        let actor = &self.people[who];
        if roster.is_none() {
            let fresh = match room {
                Room::Direct(one, other) => {
                    builder.opens_direct(&self.people[one], &self.people[other])
                }
                Room::Group(_) => builder.creates_group(id, "room", actor, &[]),
            };
            return fresh.says(id, actor, 0, "opened", &[actor]);
        }
        let audience: Vec<&Person> =
            self.people.iter().filter(|person| self.is_in(id, person)).collect();
        let builder = builder.expecting(id, expected);
        let someone = |person: u8| &self.people[usize::from(person) % self.people.len()];
        match &act.deed {
            Deed::Refused => builder.refused(ErrorCode::NotAllowed),
            Deed::Say { length } => {
                let text = "y".repeat(usize::from(*length));
                builder.says(id, actor, self.clock, &text, &audience)
            }
            Deed::Read { sixteenths } => {
                let head = self.reference.heads(id).seq;
                builder.reads(id, actor, Seq(head.0 * u64::from(*sixteenths) / 16))
            }
            Deed::Alter { sixteenths, how } => {
                let head = self.reference.heads(id).seq;
                let seq = Seq(head.0 * u64::from(*sixteenths) / 16 + u64::from(how / 128));
                builder.alters(id, actor, seq, alteration(*how), &audience)
            }
            Deed::Role { person, role } => {
                let row = self.raised(room, version);
                builder.row(row).sets_role(id, someone(*person), Role::from_code(*role))
            }
            Deed::Mark { person, how } => {
                let write = mark(someone(*person).no, *how);
                builder.record(Record::Member { conversation: id, write })
            }
            Deed::List { person, how } => {
                let item = ChangeKind::Item(item(someone(*person), id, *how));
                builder.changes(id, actor, item, &audience)
            }
            Deed::ComeOrGo { person, sees_history } => {
                self.come_or_go(builder, room, version, someone(*person), *sees_history)
            }
            Deed::Mixed { person } => {
                let builder = builder.says(id, actor, self.clock, "before", &audience);
                let builder = self.come_or_go(builder, room, version, someone(*person), false);
                builder.says(id, actor, self.clock, "behind", &audience)
            }
        }
    }

    fn is_in(&self, id: ConversationId, person: &Person) -> bool {
        let found = self.reference.members(id, &Whom::These(vec![person.no]));
        found.first().is_some_and(Member::is_present)
    }

    fn raised(&self, room: Room, version: Version) -> anser_types::Conversation {
        match room {
            // One of them is a channel from its first change on.
            Room::Group(CHANNEL) => channel_row(version.next()),
            Room::Group(number) => group_row(group(number), "room", version.next()),
            Room::Direct(one, other) => anser_types::Conversation {
                version: version.next(),
                ..direct_row(&self.people[one], &self.people[other])
            },
        }
    }

    fn come_or_go(
        &self,
        builder: AppendBuilder,
        room: Room,
        version: Version,
        person: &Person,
        sees_history: bool,
    ) -> AppendBuilder {
        let id = self.id(room);
        let builder = builder.row(self.raised(room, version));
        let users = vec![person.id.clone()];
        if self.is_in(id, person) {
            let kind = ChangeKind::MembersRemoved { users };
            builder.ends(id, person).changes(id, person, kind, &[person])
        } else {
            let kind = ChangeKind::MembersJoined { title: "room".into(), users, channel: false };
            builder.joins(id, person, Role::Member, sees_history).changes(
                id,
                person,
                kind,
                &[person],
            )
        }
    }

    /// Every read of the store gives what the reference gives.
    fn compare(&self) {
        let (store, reference) = (&self.store, &self.reference);
        let people: Vec<&Person> = self.people.iter().collect();
        for room in ROOMS {
            let id = self.id(room);
            assert_eq!(store.roster(id), reference.roster(id), "roster of {id}");
            let everybody = Whom::These(people.iter().map(|person| person.no).collect());
            for whom in [everybody, Whom::After { after: UserNo(0), limit: 100 }] {
                let members = reference.members(id, &whom);
                assert_eq!(store.members(id, &whom), members, "members of {id}");
            }
            let heads = reference.heads(id);
            assert_eq!(store.heads(id), heads, "heads of {id}");
            assert_eq!(store.messages(id), reference.messages(id), "messages of {id}");
            let last = (heads.seq.previous(), Seq::MAX);
            for (bounds, entries) in [((Seq::ZERO, Seq::MAX), 3), (last, 2), ((Seq(1), Seq(4)), 2)]
            {
                let page = page_of(entries);
                assert_eq!(
                    store.messages_within(id, bounds, Order::NewestFirst, page),
                    reference.messages_within(id, bounds, Order::NewestFirst, page),
                    "newest messages of {id} within {bounds:?}"
                );
            }
            assert_eq!(store.changes(id), reference.changes(id), "changes of {id}");
            for message in reference.messages(id) {
                assert_eq!(
                    store.call(|ports| ports.conversations.editions(id, message.seq)),
                    reference.call(|ports| ports.conversations.editions(id, message.seq)),
                    "replaced contents of {id}, {}",
                    message.seq
                );
            }
            for (prefix, entries) in [(ItemKey::default(), 100), (ItemKey::settings(), 2)] {
                let (after, page) = (ItemKey::default(), page_of(entries));
                let asked = (prefix.clone(), after.clone());
                let expected = reference.call(|ports| ports.lists.items(id, prefix, after, page));
                let found = store.call(|ports| ports.lists.items(id, asked.0, asked.1, page));
                assert_eq!(found, expected, "lists of {id}");
            }
            let after = ChangeNo(heads.change_no.0 / 2);
            assert_eq!(
                store.call(|ports| ports.conversations.changes(id, after, WHOLE)),
                reference.call(|ports| ports.conversations.changes(id, after, WHOLE)),
                "changes of {id} after {after}"
            );
            assert_eq!(
                store.positions(id, &people),
                reference.positions(id, &people),
                "positions in {id}"
            );
        }
        for (until, limit) in [(UnixMs(100), 100), (UnixMs(255), 2)] {
            let expected = reference.call(|ports| ports.conversations.expiring(until, limit));
            let found = store.call(|ports| ports.conversations.expiring(until, limit));
            assert_eq!(found, expected, "what is over at {until:?}");
        }
        for person in people {
            assert_eq!(store.inbox(person), reference.inbox(person), "inbox of {}", person.id);
            let bounds = reference.bounds(person);
            assert_eq!(store.bounds(person), bounds, "bounds of {}", person.id);
            let middle = InboxSeq((bounds.floor.0 + bounds.head.0) / 2);
            for after in [InboxSeq::ZERO, middle, bounds.head] {
                let expected = reference.inbox_page(person, after, page_of(3));
                let found = store.inbox_page(person, after, page_of(3));
                assert_eq!((&found.events, found.bounds), (&expected.events, expected.bounds));
                assert!(found.events.is_empty() || found.first == expected.first);
            }
            let listed = reference.listings(person, None, 100);
            assert_eq!(store.listings(person, None, 100), listed, "list of {}", person.id);
            let after = listed.first().map(|listing| listing.conversation.id);
            assert_eq!(store.listings(person, after, 2), reference.listings(person, after, 2));
        }
    }
}

/// Something that is said of a member.
fn mark(user_no: UserNo, how: u8) -> MemberWrite {
    match how % 3 {
        0 => MemberWrite::Refuse { user_no, on: how.is_multiple_of(2) },
        1 => {
            let act = MemberAct::Alias("x".repeat(usize::from(how / 64)));
            MemberWrite::Alter { user_no, act }
        }
        _ => {
            let act = MemberAct::MuteUntil(UnixMs(u64::from(how / 32) * 1_000));
            MemberWrite::Alter { user_no, act }
        }
    }
}

/// An item of one of several kinds.
fn item(who: &Person, conversation: ConversationId, how: u8) -> Item {
    let remark = "x".repeat(usize::from(how / 32));
    match how % 4 {
        0 => Item::Contact(Contact { remark, ..Contact::stranger(who.id.clone()) }),
        1 => Item::Options(Options { draft: remark, ..Options::usual(conversation) }),
        2 => Item::Hidden { conversation, seq: Seq(u64::from(how / 4)) },
        _ => Item::Settings(Settings { show_read: how > 127, ..Settings::default() }),
    }
}

fn alteration(how: u8) -> Alteration {
    let emoji = || ["👍", "🪿"][usize::from(how / 16 % 2)].to_owned();
    match how % 16 {
        0..=4 => Alteration::Edit(Content::text(format!("edited {how}"))),
        5..=8 => Alteration::React { emoji: emoji(), on: true },
        9..=11 => Alteration::React { emoji: emoji(), on: false },
        12 => Alteration::Pin { on: how > 127 },
        13 => Alteration::Burn(UnixMs(u64::from(how))),
        14 => Alteration::Expire,
        _ => Alteration::Revoke,
    }
}

fn channel_row(version: Version) -> anser_types::Conversation {
    let channel = Some(Channel { members: version.0, staff: Vec::new() });
    let kind = ConversationKind::Group(Group { title: "room".into(), channel, ..Group::default() });
    anser_types::Conversation { kind, ..group_row(group(CHANNEL), "room", version) }
}

fn room_of(room: u8) -> Room {
    ROOMS[usize::from(room) % ROOMS.len()]
}

//! The client core under any host events and any server: it never panics, never has two tickets, says only what the
//! server's half of a session accepts, and never moves a cursor back within one log.

#[path = "core/host.rs"]
mod host;
#[path = "core/script.rs"]
mod script;

use std::time::Duration;

use anser_client::Input;
use anser_types::{Command, Content, ConversationId, LocalNo, Seq, Target, UserId};

use host::Host;
use script::Script;

/// Steps of one run; more only make it slow.
const STEPS: usize = 400;

/// One input.
pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let mut host = Host::new();
    for _ in 0..STEPS {
        let Some(step) = script.byte() else { break };
        take(&mut host, &mut script, step);
    }
}

fn take(host: &mut Host, script: &mut Script<'_>, step: u8) {
    match step % 20 {
        0 => host.input(Input::Start),
        1 => host.input(Input::Stop),
        2 => host.opened(),
        3 => host.failed(),
        4 => host.closed(),
        5 => {
            let bytes = script.bytes();
            host.bytes(bytes);
        }
        6 => host.timer(),
        7 => host.persisted(),
        8 => host.persist_failed(script.flag()),
        9 => host.input(Input::NetworkChanged { network: script.word().to_owned() }),
        10 => host.input(Input::Foreground(script.flag())),
        11 | 12 => {
            if let Some(command) = command(script) {
                host.compose(command);
            }
        }
        13 => {
            let local_no = LocalNo(script.small());
            host.with(|core, now| {
                let _known = core.retry(local_no, now);
            });
        }
        14 => {
            let local_no = LocalNo(script.small());
            host.with(|core, now| {
                let _known = core.delete(local_no, now);
            });
        }
        15 => host.crash(),
        16 => host.wait(Duration::from_millis(script.number() % 200_000)),
        _ => {
            let frame = script.server_frame(host.last_command());
            host.frame(&frame);
        }
    }
}

fn command(script: &mut Script<'_>) -> Option<Command> {
    let peer = UserId::new(script.word()).ok()?;
    let me = UserId::new("alice").ok()?;
    let group = ConversationId::direct(&peer, &me);
    let to = if script.flag() { Target::User(peer) } else { Target::Conversation(group) };
    Some(match script.byte()? % 4 {
        0 => Command::MarkRead { at: to, up_to: Seq(script.small()) },
        1 => Command::Leave { conversation: group },
        _ => Command::SendMessage { to, content: Content::text(script.word().to_owned()) },
    })
}

//! `anser group update`: which properties of a group to change.

use anser_types::{ErrorCode, JoinMode, Refusal, SetGroup};
use clap::Args;

use super::One;
use crate::named::{Switch, choice};

/// A group and what to change of it.
#[derive(Args, Clone, Debug)]
pub struct UpdateOptions {
    #[command(flatten)]
    pub one: One,
    #[command(flatten)]
    pub change: Change,
}

/// What to change of a group; what is not given stays.
#[derive(Args, Clone, Debug, Default)]
pub struct Change {
    /// Its name
    #[arg(long)]
    pub title: Option<String>,
    /// Its picture, a reference the app understands; "" takes it away
    #[arg(long, value_name = "REFERENCE")]
    pub avatar: Option<String>,
    /// What everybody in it should know; "" takes it away
    #[arg(long, value_name = "TEXT")]
    pub announcement: Option<String>,
    /// How people come in who were not invited
    #[arg(long, value_name = "MODE", value_parser = choice::<JoinMode>())]
    pub join: Option<JoinMode>,
    /// Only owner and admins speak
    #[arg(long, conflicts_with = "unmute")]
    pub mute: bool,
    /// Everybody speaks
    #[arg(long)]
    pub unmute: bool,
    /// Only owner and admins invite
    #[arg(long, value_name = "ON|OFF", value_parser = choice::<Switch>())]
    pub admins_invite: Option<Switch>,
    /// Later members see what was said before they came
    #[arg(long, value_name = "ON|OFF", value_parser = choice::<Switch>())]
    pub show_history: Option<Switch>,
    /// Make it a channel, which may grow to 100,000 members; there is no way back
    #[arg(long)]
    pub channel: bool,
}

impl Change {
    /// What the server is asked for.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when nothing is to be changed.
    pub fn asked(self) -> Result<SetGroup, Refusal> {
        let set = SetGroup {
            title: self.title,
            avatar: self.avatar,
            announcement: self.announcement,
            history_for_new_members: self.show_history.map(|Switch(on)| on),
            join: self.join,
            admins_invite: self.admins_invite.map(|Switch(on)| on),
            muted: (self.mute || self.unmute).then_some(self.mute),
            channel: self.channel,
        };
        if set == SetGroup::default() {
            let why = "name what to change: --title, --announcement, --join, --mute, --channel …";
            return Err(Refusal::because(ErrorCode::InvalidArgument, why));
        }
        Ok(set)
    }
}

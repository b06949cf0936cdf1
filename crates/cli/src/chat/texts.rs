//! Every sentence of the chat, in English and in Simplified Chinese, and the choice between them.
//!
//! `{0}`, `{1}` stand for values; [`Texts::with`] puts them in.

use clap::ValueEnum;

/// A language the chat speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Language {
    /// The language of a locale as in `LC_ALL` or `LANG`: Chinese for `zh…`, else English.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        if locale.to_ascii_lowercase().starts_with("zh") { Self::Zh } else { Self::En }
    }

    /// The language of the environment: `LC_ALL`, else `LC_MESSAGES`, else `LANG`.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
            .map_or(Self::En, |locale| Self::of_locale(&locale))
    }
}

macro_rules! catalogue {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        /// One text of the catalogue.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Text { $(#[doc = concat!("`", $en, "`")] $name,)* }

        impl Text {
            /// Every text.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The text in a language, with its placeholders.
            #[must_use]
            pub const fn in_language(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::En) => $en, (Self::$name, Language::Zh) => $zh,)*
                }
            }
        }
    };
}

catalogue! {
    // States of one's own messages.
    Queued: "queued", "待发送";
    Sending: "sending", "发送中";
    Sent: "sent", "已发送";
    StoredOffline: "sent, waits for them", "已发送，对方离线";
    Delivered: "delivered", "已送达";
    Read: "read", "已读";
    ReadBy: "read by {0}", "{0} 人已读";
    Failed: "not sent: {0}", "未发送：{0}";
    FailedUnconfirmed: "no answer, may have arrived: {0}", "没有应答，可能已送达：{0}";
    NotOnServer: "lost by the server", "服务器已丢失";
    HowToRetry: "Ctrl+R sends again, /delete removes", "Ctrl+R 重发，/delete 删除";

    // The connection.
    Connecting: "connecting…", "连接中…";
    Connected: "connected", "已连接";
    Offline: "offline", "离线";
    DisconnectedRetry: "not connected, next try in {0} s ({1}) · Ctrl+O tries now", "未连接，{0} 秒后重试（{1}）· Ctrl+O 立即重试";
    Disconnected: "not connected ({0})", "未连接（{0}）";
    KickedOffline: "signed out: {0} · Ctrl+O connects again", "已下线：{0} · Ctrl+O 重新连接";
    SignInNeeded: "sign in again: {0}", "请重新登录：{0}";
    Synchronising: "reading what was missed…", "正在同步…";
    SynchronisingOf: "reading what was missed: {0} of {1}", "正在同步：{0}/{1}";
    StoreFull: "this device's disk is full: nothing can be stored; tried again in {0} s", "本机磁盘已满，无法保存；{0} 秒后重试";
    StoreFailing: "the local store fails; tried again in {0} s", "本地存储出错；{0} 秒后重试";

    ListRefused: "a list of the server's addresses is not trusted and not used: {0}", "服务器地址列表不可信，未予采用：{0}";

    // The list of conversations.
    Conversations: "Conversations", "会话";
    NoConversations: "Nobody yet. Type /to USER and Enter to write to somebody.", "还没有会话。输入 /to 用户名 并回车，开始聊天。";
    Draft: "draft: {0}", "草稿：{0}";
    You: "you", "我";
    LeftGroup: "you are no longer in it", "你已不在群内";
    Members: "{0} members", "{0} 位成员";
    Channel: "channel", "频道";
    ChannelMembers: "channel, {0} members", "频道，{0} 位成员";
    UnreadElsewhere: "{0} unread elsewhere · Ctrl+K", "其他会话有 {0} 条未读 · Ctrl+K";
    Notes: "notes to yourself", "给自己的便笺";
    Online: "online", "在线";
    LastSeen: "last seen {0} {1}", "最后在线：{0} {1}";

    // The timeline.
    Today: "Today", "今天";
    Yesterday: "Yesterday", "昨天";
    UnreadBelow: "unread", "以下为未读";
    NewBelow: "{0} new below · End", "下方有 {0} 条新消息 · End";
    EarlierShown: "End: back to the newest", "End：回到最新";
    LoadingOlder: "loading earlier messages…", "正在加载更早的消息…";
    BeginningOfTalk: "the beginning", "会话开始";
    OlderNotAtHand: "earlier messages are at the server only; connect to read them", "更早的消息只在服务器上，连接后可读";
    NothingSaid: "Nothing has been said here yet.", "还没有消息。";
    ChooseConversation: "Ctrl+K finds a conversation, /to USER starts one, /help explains.", "Ctrl+K 查找会话，/to 用户名 开始聊天，/help 查看帮助。";
    Gone: "(message removed)", "（消息已删除）";
    Edited: "{0} (edited)", "{0}（已编辑）";
    Burns: "{0} (burns once it was read)", "{0}（阅后即焚）";
    Expires: "{0} (expires {1})", "{0}（{1} 到期）";
    ForwardedFrom: "(forwarded from {0}) {1}", "（转发自 {0}）{1}";
    RevokedBy: "({0} took this message back)", "（{0} 撤回了一条消息）";
    RevokedByYou: "(you took this message back)", "（你撤回了一条消息）";
    Merged: "[forwarded messages]", "[聊天记录]";
    Image: "[image]", "[图片]";
    Voice: "[voice]", "[语音]";
    Video: "[video]", "[视频]";
    File: "[file]", "[文件]";
    Location: "[location]", "[位置]";
    Card: "[card]", "[名片]";
    OtherKind: "[a message this program cannot show]", "[本程序无法显示的消息]";
    RangeExpired: "{0} messages are older than the server keeps", "{0} 条消息超过服务器保存期限";
    RangeDamaged: "{0} messages were damaged at the server", "{0} 条消息在服务器上损坏";
    RangeNotVisible: "{0} messages from a time you were not here", "{0} 条消息：当时你不在群内";
    RangePutAway: "{0} messages you removed for yourself", "{0} 条消息已被你删除";
    OneTypes: "{0} is typing…", "{0} 正在输入…";
    SeveralType: "{0} are typing…", "{0} 正在输入…";

    // What happened in a group.
    GroupMade: "{0} made the group “{1}” with {2}", "{0} 创建了群“{1}”，成员：{2}";
    GroupMadeAlone: "{0} made the group “{1}”", "{0} 创建了群“{1}”";
    Joined: "{0} invited {1}", "{0} 邀请了 {1}";
    CameIn: "{0} came in", "{0} 加入了群";
    Retitled: "{0} named the group “{1}”", "{0} 将群名改为“{1}”";
    NewAvatar: "{0} changed the group's picture", "{0} 更换了群头像";
    Announced: "{0} announced: {1}", "{0} 发布了群公告：{1}";
    NoAnnouncement: "{0} took the announcement away", "{0} 撤下了群公告";
    ShowsHistory: "{0} lets new members see what was said before", "{0} 允许新成员查看历史消息";
    HidesHistory: "{0} hides from new members what was said before", "{0} 不再让新成员查看历史消息";
    JoinInvited: "{0}: one comes in by invitation only", "{0} 设置为仅可邀请入群";
    JoinApproval: "{0}: whoever wants to come in asks an admin", "{0} 设置为入群需管理员同意";
    JoinOpen: "{0} opened the group to everybody", "{0} 设置为任何人可入群";
    AdminsInvite: "{0} lets only admins invite", "{0} 设置为仅管理员可邀请";
    AllInvite: "{0} lets everybody invite", "{0} 允许所有成员邀请";
    AllMuted: "{0} lets only admins speak", "{0} 开启了全员禁言";
    AllSpeak: "{0} lets everybody speak again", "{0} 关闭了全员禁言";
    BecameChannel: "{0} made the group a channel: many may come in, and nobody's receipts are told", "{0} 将群升级为频道：可容纳大量成员，不再显示已读状态";
    MadeOwner: "{0} made {1} the owner", "{0} 将群主转让给 {1}";
    MadeAdmin: "{0} made {1} an admin", "{0} 将 {1} 设为管理员";
    MadeMember: "{0} made {1} an ordinary member", "{0} 取消了 {1} 的管理员身份";
    MutedUntil: "{0} muted {1} until {2}", "{0} 将 {1} 禁言至 {2}";
    MutedForever: "{0} muted {1} until further notice", "{0} 将 {1} 禁言，直到解除";
    Unmuted: "{0} lets {1} speak again", "{0} 解除了 {1} 的禁言";
    Aliased: "{0} calls {1} “{2}” here", "{0} 将 {1} 的群昵称改为“{2}”";
    AliasedSelf: "{0} is called “{1}” here", "{0} 将自己的群昵称改为“{1}”";
    Unaliased: "{0} took the group name of {1} away", "{0} 清除了 {1} 的群昵称";
    Dismissed: "{0} dissolved the group", "{0} 解散了群";
    Left: "{0} left", "{0} 退出了群";
    LeftNewOwner: "{0} left; {1} is the owner now", "{0} 退出了群，{1} 成为群主";
    Removed: "{0} removed {1}", "{0} 移除了 {1}";
    UnknownChange: "{0} changed something this program does not know", "{0} 做了本程序不认识的更改";

    // The composer and its hints.
    WriteHere: "Write a message · Enter sends · Alt+Enter new line · /help", "输入消息 · Enter 发送 · Alt+Enter 换行 · /help";
    TooSmall: "make the window larger", "窗口太小";
    PressAgainToQuit: "Ctrl+C again quits; queued messages are kept and sent next time", "再按 Ctrl+C 退出；待发送的消息会保留，下次继续发送";

    // Commands.
    UnknownCommand: "there is no command {0}; /help lists them", "没有命令 {0}；/help 查看全部命令";
    WantsUser: "{0} needs a user: {0} USER", "{0} 需要用户名：{0} 用户名";
    WantsUsers: "{0} needs users: {0} USER…", "{0} 需要用户名：{0} 用户名…";
    WantsTitle: "a group needs a title: /group create TITLE USER…", "群需要名称：/group create 群名 用户名…";
    WantsVerb: "{0} needs one of: {1}", "{0} 之后应为：{1}";
    WantsOneOf: "{0} takes one of: {1}", "{0} 可取：{1}";
    WantsTime: "{0} is no time: write 90s, 10m, 2h or 7d", "{0} 不是时长：可写 90s、10m、2h 或 7d";
    WantsGroupId: "{0} needs the id of a group: {0} ID", "{0} 需要群号：{0} 群号";
    BadGroup: "{0} is no id of a group", "{0} 不是有效的群号";
    BadUser: "{0} is no user id: {1}", "{0} 不是有效的用户名：{1}";
    UnclosedQuote: "a closing \" is missing", "缺少右引号 \"";
    NoArguments: "{0} takes nothing more", "{0} 不需要参数";
    WantsWhom: "{0} needs a user or a group: {0} NAME", "{0} 需要用户名或群名：{0} 名称";
    SeveralCalled: "several groups are called {0}: give the id of one", "有多个群名为 {0}：请改用群号";
    NobodyCalled: "nobody here is called {0}", "没有名为 {0} 的用户或群";
    NeedsConversation: "open a conversation first: Ctrl+K or /to USER", "请先打开会话：Ctrl+K 或 /to 用户名";
    NeedsGroup: "this works in a group only", "只能在群里使用";
    NothingFailed: "no message here has failed", "这里没有发送失败的消息";
    NotAMember: "you are not in this group any more", "你已不在这个群里";
    TooLong: "too long: {0} bytes of {1} at most", "太长：{0} 字节，最多 {1} 字节";
    Created: "the group “{0}” is made", "群“{0}”已创建";
    DoneInvite: "invited: {0}", "已邀请：{0}";
    DoneKick: "removed: {0}", "已移除：{0}";
    DoneLeave: "you left the group", "你已退出群";
    Done: "done", "已完成";
    DoneApply: "asked: {0}", "已向 {0} 发出好友申请";
    DoneAccept: "you and {0} are contacts now", "你和 {0} 已成为好友";
    DoneBlock: "you hear nothing more from {0}", "已拉黑 {0}";
    DoneUnblock: "you hear from {0} again", "已取消拉黑 {0}";
    DoneRemove: "{0} is no contact of yours any more", "{0} 已不是你的好友";
    Forwarding: "on its way to {0} · {1}", "正在转发给 {0} · {1}";
    // Files on their way.
    MovingReads: "reading {0}…", "正在读取 {0}…";
    MovingUp: "sending {0}: {1} · Esc cancels", "正在发送 {0}：{1} · Esc 取消";
    MovingDown: "fetching {0}: {1} · Esc cancels", "正在下载 {0}：{1} · Esc 取消";
    MovingWaits: "{0}: again in {2} s ({1}) · Esc cancels", "{0}：{2} 秒后重试（{1}）· Esc 取消";
    MovingCancelled: "{0}: cancelled", "{0}：已取消";
    TooManyMoving: "{0} files are on their way already", "已有 {0} 个文件正在传输";
    FileOpened: "opened: {0}", "已打开：{0}";
    FileSaved: "saved: {0}", "已保存：{0}";
    FileNotOpened: "saved, and not opened, for it could be a program: {0}", "已保存；可能是程序，未打开：{0}";
    FileNoDesktop: "saved; nothing here opens files: {0}", "已保存；此处没有可打开文件的程序：{0}";
    NoFileHere: "no message here has a file", "这里没有带文件的消息";
    WantsPath: "{0} needs a file: {0} PATH (in quotes if it has spaces)", "{0} 需要文件路径：{0} 路径（含空格时加引号）";
    RefusedWithNext: "{0}: {1} ({2}) · {3}", "{0}：{1}（{2}）· {3}";
    HelpAttach: "/attach PATH TEXT  send a file, with what to say · Esc cancels", "/attach 路径 说明  发送文件 · Esc 取消";
    HelpOpen: "/open  fetch and open the last file on the screen · /save PATH", "/open  下载并打开屏幕上最后一个文件 · /save 路径";

    DoneReport: "reported to the operators", "已向管理方举报";
    DoneReportUser: "reported to the operators: {0}", "已向管理方举报：{0}";
    DoneReportMessage: "reported to the operators: a message of {0}", "已向管理方举报 {0} 的一条消息";
    DoneJoin: "asked to come in", "已申请入群";
    ContactApplies: "{0} asks to be your contact · /contact accept {0} or /contact refuse {0}", "{0} 请求加你为好友 · /contact accept {0} 或 /contact refuse {0}";
    ContactAppliesSaying: "{0} asks to be your contact: “{1}” · /contact accept {0} or /contact refuse {0}", "{0} 请求加你为好友：“{1}” · /contact accept {0} 或 /contact refuse {0}";
    JoinAsked: "{0} asks to come into {1} · there: /group accept {0} or /group refuse {0}", "{0} 申请加入 {1} · 在群内输入 /group accept {0} 或 /group refuse {0}";
    JoinAccepted: "you were let into {0}", "你已被批准加入 {0}";
    JoinRefused: "your request to come into {0} was refused", "你加入 {0} 的申请被拒绝";
    WhenConnected: "this happens as soon as there is a connection", "连接后会自动执行";
    Refused: "{0}: {1}", "{0}：{1}";
    Lagged: "this program was too slow; it reads the state again", "本程序处理过慢，正在重新读取";
    RestoredStore: "the local store was an old copy; this goes on as a new device", "本地存储是旧副本，已作为新设备继续";
    KeyFileMade: "your local messages are encrypted; keep their key to yourself: {0}", "本地消息已加密，请保管好密钥：{0}";

    // Overlays.
    SwitcherTitle: "Go to", "前往";
    SwitcherNew: "write to {0}", "发消息给 {0}";
    SwitcherNone: "nobody found", "没有找到";
    SwitcherHint: "↑↓ choose · Enter opens · Esc closes", "↑↓ 选择 · Enter 打开 · Esc 关闭";
    MembersTitle: "Members of {0}", "{0} 的成员";
    MemberMuted: "muted", "禁言中";
    MoreMembers: "and {0} more", "另有 {0} 位成员";
    ContactsTitle: "Contacts", "联系人";
    RequestsTitle: "Who asks to come in", "入群申请";
    ReadersTitle: "Who has read it", "已读情况";
    SettingsTitle: "Settings", "设置";
    NobodyHere: "nobody", "没有";
    NotRead: "not read", "未读";
    Blocked: "blocked", "已拉黑";
    RelationApplied: "waits for their answer", "等待对方同意";
    RelationAsked: "asks to be your contact", "请求加你为好友";
    RelationContact: "contact", "好友";
    RelationRefused: "refused", "被拒绝";
    SignPinned: "pinned", "置顶";
    SignMuted: "muted", "免打扰";
    SignMentions: "mentions", "提到我";
    HelpGroupIs: "/group title TEXT · announce TEXT · mute · unmute (everybody) · channel · dismiss", "/group title 群名 · announce 公告 · mute · unmute（全员禁言）· channel 升级为频道 · dismiss 解散";
    HelpGroupMember: "/group role USER admin|member · transfer USER · mute USER 10m · unmute USER · alias NAME", "/group role 用户名 admin|member · transfer 用户名 转让 · mute 用户名 10m · unmute 用户名 · alias 群昵称";
    HelpGroupJoin: "/group join ID  come in · requests · accept USER · refuse USER", "/group join 群号  入群 · requests 申请列表 · accept 用户名 · refuse 用户名";
    HelpContact: "/contact apply USER TEXT · accept · refuse · remark USER NAME · remove · block · unblock · list", "/contact apply 用户名 附言 · accept · refuse · remark 用户名 备注 · remove · block · unblock · list";
    HelpMine: "/pin-chat · /unpin-chat · /mute · /mentions · /unmute · /hide  how this conversation is shown", "/pin-chat 置顶会话 · /unpin-chat · /mute 免打扰 · /mentions 仅提醒@我 · /unmute · /hide 隐藏";
    HelpForget: "/forget  remove the last message for yourself · /clear all of them · /readers  who has read", "/forget  为自己删除最后一条消息 · /clear 清空 · /readers 谁已读";
    HelpSettings: "/settings  what you let others do and see", "/settings  隐私设置";
    RoleOwner: "owner", "群主";
    RoleAdmin: "admin", "管理员";
    RoleMember: "member", "成员";
    HelpTitle: "Help", "帮助";
    CloseHint: "↑↓ scroll · Esc closes", "↑↓ 滚动 · Esc 关闭";
    HelpEdit: "/edit TEXT  replace your last message · /revoke takes it back", "/edit 文本  修改你的上一条消息 · /revoke 撤回";
    HelpReact: "/react 👍  react to the last message · /unreact 👍 · /pin · /unpin", "/react 👍  回应最后一条消息 · /unreact 👍 · /pin 置顶 · /unpin";
    HelpForward: "/forward NAME  pass the last message on, to a user or a group", "/forward 名称  将最后一条消息转发给用户或群";
    HelpForwardSeveral: "  several of them: anser forward --with USER 1 3 --to USER (--merged: as one)", "  转发多条：anser forward --with 用户名 1 3 --to 用户名（--merged 合并）";
    HelpReport: "/report message WHY TEXT  tell the operators of the last one · user USER WHY · group WHY", "/report message 原因 说明  举报最后一条消息 · user 用户名 原因 · group 原因";
    HelpReportWhy: "  WHY: spam, abuse, sexual, violence, illegal, impersonation, other", "  原因：spam 垃圾、abuse 辱骂、sexual 色情、violence 暴力、illegal 违法、impersonation 冒充、other 其他";
    WantsText: "{0} TEXT: what should it say?", "{0} 文本：改成什么？";
    WantsEmoji: "{0} EMOJI: which one?", "{0} 表情：哪一个？";
    NothingToAlter: "there is no such message here", "这里没有这样的消息";
    HelpTo: "/to USER  write to somebody", "/to 用户名  给某人发消息";
    HelpGroupCreate: "/group create TITLE USER…  make a group (\"two words\" in quotes)", "/group create 群名 用户名…  建群（带空格的群名加引号）";
    HelpGroupInvite: "/group invite USER…  bring people in", "/group invite 用户名…  邀请成员";
    HelpGroupKick: "/group kick USER…  remove people", "/group kick 用户名…  移除成员";
    HelpGroupLeave: "/group leave  leave this group", "/group leave  退出本群";
    HelpGroupMembers: "/group members  who is in it", "/group members  查看成员";
    HelpHistory: "/history  load earlier messages", "/history  加载更早的消息";
    HelpRetry: "/retry  send again what failed (Ctrl+R)", "/retry  重发失败的消息（Ctrl+R）";
    HelpDelete: "/delete  remove what failed", "/delete  删除发送失败的消息";
    HelpHelp: "/help  this page (F1)", "/help  本页（F1）";
    HelpQuit: "/quit  end (Ctrl+C)", "/quit  退出（Ctrl+C）";
    HelpKeysSend: "Enter sends · Alt+Enter new line · Tab completes · // sends a text that begins with /", "Enter 发送 · Alt+Enter 换行 · Tab 补全 · // 发送以 / 开头的文字";
    HelpKeysMove: "Ctrl+K go to · Alt+↑↓ previous, next conversation", "Ctrl+K 前往 · Alt+↑↓ 上一个、下一个会话";
    HelpKeysScroll: "PageUp PageDown scroll · Ctrl+End (or End) newest · Ctrl+Home oldest loaded", "PageUp PageDown 滚动 · Ctrl+End（或 End）最新 · Ctrl+Home 最早";
    HelpSigns: "Signs:", "符号：";

    // Days of the week and dates.
    Monday: "Monday", "星期一";
    Tuesday: "Tuesday", "星期二";
    Wednesday: "Wednesday", "星期三";
    Thursday: "Thursday", "星期四";
    Friday: "Friday", "星期五";
    Saturday: "Saturday", "星期六";
    Sunday: "Sunday", "星期日";
    Date: "{0}, {1}-{2}-{3}", "{1}年{2}月{3}日 {0}";
    ListSeparator: ", ", "、";
}

/// The catalogue in one language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Texts(pub Language);

impl Texts {
    /// A text without values.
    #[must_use]
    pub const fn get(self, text: Text) -> &'static str {
        text.in_language(self.0)
    }

    /// A text with its values put in. A value is never looked through for placeholders.
    #[must_use]
    pub fn with(self, text: Text, values: &[&str]) -> String {
        let mut filled = String::new();
        let mut rest = self.get(text);
        while let Some(open) = rest.find('{') {
            filled.push_str(&rest[..open]);
            let (placeholder, after) =
                rest[open..].split_at(rest[open..].find('}').map_or(0, |at| at + 1));
            let value = placeholder
                .trim_matches(['{', '}'])
                .parse::<usize>()
                .ok()
                .and_then(|number| values.get(number));
            filled.push_str(value.copied().unwrap_or(placeholder));
            rest = after;
            if placeholder.is_empty() {
                break;
            }
        }
        filled.push_str(rest);
        filled
    }

    /// Names in a row.
    pub fn list<T: std::fmt::Display>(self, names: impl IntoIterator<Item = T>) -> String {
        let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
        names.join(self.get(Text::ListSeparator))
    }
}

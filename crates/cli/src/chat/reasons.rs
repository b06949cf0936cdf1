//! Why something was refused, in the user's language: the error catalogue is English, this is its Chinese side for
//! what a person in a chat can meet.

use anser_types::{ErrorCode, Refusal};

use super::texts::{Language, Texts};

impl Texts {
    /// What happened, in one sentence without its final stop.
    #[must_use]
    pub fn reason(self, refusal: &Refusal) -> String {
        let text = match self.0 {
            Language::En => None,
            Language::Zh => in_chinese(refusal.code),
        };
        let text = text.unwrap_or_else(|| refusal.code.text()).trim_end_matches('.');
        // The detail is English and technical; it helps where the user can act on it.
        if refusal.detail.is_empty() || refusal.code.number() >= 500 {
            text.to_owned()
        } else {
            format!("{text}: {}", refusal.detail)
        }
    }
}

impl Texts {
    /// What to do next, in one sentence without its final stop.
    #[must_use]
    pub fn next_step(self, refusal: &Refusal) -> &'static str {
        let text = match self.0 {
            Language::En => None,
            Language::Zh => next_in_chinese(refusal.code),
        };
        text.unwrap_or_else(|| refusal.code.next_step()).trim_end_matches('.')
    }
}

/// What to do next about what can happen to a file.
const fn next_in_chinese(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::InvalidArgument => "请检查路径",
        ErrorCode::FileUnknown | ErrorCode::FileDamaged => "请对方重新发送",
        ErrorCode::FileIncomplete => "请重新发送",
        ErrorCode::FileTooLarge => "请发送较小的文件",
        ErrorCode::QuotaExceeded => "请撤回不再需要的文件消息，或联系管理员",
        ErrorCode::UploadBusy | ErrorCode::FilesUnreachable | ErrorCode::Unreachable => {
            "请稍后再试"
        }
        ErrorCode::ChecksumMismatch => "请重新下载",
        ErrorCode::PictureRefused => "请用图片程序重新保存，或作为普通文件发送",
        ErrorCode::NotEmpty => "请换一个路径",
        ErrorCode::LocalDiskFull => "请清理磁盘空间",
        _ => return None,
    })
}

const fn in_chinese(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::FrameTooLarge | ErrorCode::ContentTooLarge => "消息太大",
        ErrorCode::UnsupportedVersion => "客户端与服务器没有共同的协议版本",
        ErrorCode::Unsupported => "服务器不支持此操作",
        ErrorCode::Silent => "对方长时间没有响应",
        ErrorCode::TokenInvalid => "令牌无效",
        ErrorCode::TokenExpired => "令牌已过期",
        ErrorCode::WrongCredentials => "用户名或密码不正确",
        ErrorCode::Replaced => "此设备或同类设备的新会话已接管",
        ErrorCode::TokenReused => "已更换的登录凭证被再次使用，此设备已退出登录",
        ErrorCode::SignedOut => "此设备已退出登录",
        ErrorCode::TooManyDevices => "此用户的设备过多",
        ErrorCode::UserUnknown => "没有这个用户",
        ErrorCode::ConversationUnknown => "没有这个会话，或你不在其中",
        ErrorCode::NotAllowed => "你的权限不足",
        ErrorCode::InvalidArgument => "有一项内容不被允许",
        ErrorCode::GroupFull => "群成员已满",
        ErrorCode::TargetMissing => "所指的内容不存在或不可见",
        ErrorCode::TooLate => "消息过久，不能再修改或撤回",
        ErrorCode::LimitReached => "已达到数量上限",
        ErrorCode::SenderRefused => "对方不接收你的消息",
        ErrorCode::Muted => "你目前不能在本群发言",
        ErrorCode::ContentRefused => "消息含有本服务器不允许的词语",
        ErrorCode::GroupFlooded => "本群消息过多",
        ErrorCode::TooManyStrangers => "你联系的陌生人过多",
        ErrorCode::TooManyReports => "你举报得过于频繁",
        ErrorCode::FileUnknown => "没有这个文件，或你不在含有它的会话中",
        ErrorCode::FileIncomplete => "文件尚未传完",
        ErrorCode::FileTooLarge => "文件超过服务器限制",
        ErrorCode::QuotaExceeded => "你的文件空间不足",
        ErrorCode::UploadConflict => "上传位置不一致",
        ErrorCode::UploadBusy => "这个文件正在上传",
        ErrorCode::ChecksumMismatch => "文件内容校验不符，已丢弃",
        ErrorCode::PictureRefused => "图片无法安全显示",
        ErrorCode::FilesUnreachable => "服务器的文件存储暂时无法访问",
        ErrorCode::FileDamaged => "服务器上的文件已损坏或丢失",
        ErrorCode::NotEmpty => "目标位置已有文件",
        ErrorCode::Overloaded => "服务器繁忙",
        ErrorCode::RateLimited => "操作太频繁",
        ErrorCode::StorageFull => "服务器磁盘将满",
        ErrorCode::Draining => "服务器正在关闭",
        ErrorCode::TooManyConnections => "服务器连接已满",
        ErrorCode::LogBehindClient => "服务器数据丢失，落后于本机",
        ErrorCode::StoreFailed => "写入磁盘失败",
        ErrorCode::LocalDiskFull => "本机磁盘已满",
        ErrorCode::CertificateRefused => "服务器证书不符合预期",
        ErrorCode::ClientCertificateRefused => "服务器不接受此客户端的证书",
        ErrorCode::EndpointListRefused => "服务器地址列表不可信",
        ErrorCode::Unreachable => "无法连接服务器",
        ErrorCode::TimedOut => "没有及时得到应答",
        ErrorCode::CommandLineInvalid => "命令行有误",
        ErrorCode::Internal => "出现意外错误",
        _ => return None,
    })
}

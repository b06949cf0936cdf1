//! What people say to each other, made up: the material of the dictionary's training frames.

/// What sentences are made of.
pub struct Words {
    /// Openings, answers and whole short messages.
    pub phrases: Vec<&'static str>,
    /// English words, the commonest first.
    pub english: Vec<&'static str>,
    /// Chinese characters and words, the commonest first.
    pub chinese: Vec<&'static str>,
}

impl Words {
    /// All of them.
    pub fn new() -> Self {
        Self {
            phrases: include_str!("phrases.txt").lines().collect(),
            english: include_str!("english.txt").split_whitespace().collect(),
            chinese: include_str!("chinese.txt").split_whitespace().collect(),
        }
    }
}

/// Names of people, as ids hold them.
pub const NAMES: &[&str] = &[
    "alice",
    "bob",
    "carol",
    "dave",
    "erin",
    "frank",
    "grace",
    "heidi",
    "ivan",
    "judy",
    "mike",
    "nina",
    "oscar",
    "peggy",
    "wang.li",
    "zhang.wei",
    "liu.yang",
    "chen.jie",
    "li.na",
    "zhao.min",
    "sun.hao",
    "zhou.lei",
    "wu.fang",
    "xu.qiang",
];

/// Titles of groups.
pub const TITLES: &[&str] = &[
    "Family",
    "Project team",
    "Weekend hiking",
    "Class of 2019",
    "Support",
    "Release planning",
    "Book club",
    "家人群",
    "项目讨论组",
    "同学聚会",
    "技术支持",
    "运营周报",
    "足球队",
    "读书会",
];

/// Reactions.
pub const EMOJI: &[&str] = &["👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "👀"];

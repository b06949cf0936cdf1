//! What lies over the timeline: the switcher, the members of a group, the help.

use anser_sdk::MemberState;
use anser_types::{ConversationId, Role};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::list;
use super::listing;
use super::model::{Model, Overlay};
use super::states;
use super::switcher::{Offer, Switcher};
use super::texts::Text;
use super::wrap;
use crate::plain;

/// Columns of an overlay at most.
const WIDTH_MAX: u16 = 76;

/// Draws what lies over the timeline, if anything does.
pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let area = room(model);
    if let Some(Overlay::Switcher(switcher)) = &model.overlay {
        draw_switcher(model, switcher, area, frame);
    } else if let Some(page) = page(model) {
        let inside = frame_for(model, &page.title, Text::CloseHint, page.lines.len(), area, frame);
        let top = page_top(model, page.lines.len());
        let shown = page.lines.into_iter().skip(top).take(usize::from(inside.height));
        frame.render_widget(Paragraph::new(shown.collect::<Vec<_>>()), inside);
    }
}

/// Where overlays may stand: below the connection's line.
const fn room(model: &Model) -> Rect {
    let (width, height) = model.size;
    Rect::new(0, 1, width, height.saturating_sub(1))
}

/// Something to read that may be longer than the screen.
struct Page {
    title: String,
    lines: Vec<Line<'static>>,
}

fn page(model: &Model) -> Option<Page> {
    match &model.overlay {
        Some(Overlay::Help) => Some(help(model, usize::from(inside_width(room(model))))),
        Some(Overlay::Members(id, members)) => Some(members_page(model, *id, members)),
        Some(Overlay::Page(found)) => Some(Page {
            title: model.setting.texts.get(listing::title(found)).to_owned(),
            lines: listing::lines(found, &model.setting),
        }),
        _ => None,
    }
}

const fn inside_width(area: Rect) -> u16 {
    let width = if area.width < WIDTH_MAX { area.width } else { WIDTH_MAX };
    width.saturating_sub(2)
}

/// Moves a page that is longer than the screen by so many lines.
pub fn scroll(model: &mut Model, by: isize) {
    let lines = page(model).map_or(0, |page| page.lines.len());
    let moved = page_top(model, lines).saturating_add_signed(by);
    model.overlay_top = moved;
    model.overlay_top = page_top(model, lines);
}

/// The first line shown: as far down as the reader went, but not past the end.
fn page_top(model: &Model, lines: usize) -> usize {
    let visible = usize::from(room(model).height.saturating_sub(2));
    model.overlay_top.min(lines.saturating_sub(visible))
}

/// Makes room for an overlay with a frame; gives its inside.
fn frame_for(
    model: &Model,
    title: &str,
    hint: Text,
    rows: usize,
    area: Rect,
    frame: &mut Frame<'_>,
) -> Rect {
    let width = area.width.min(WIDTH_MAX);
    let height = u16::try_from(rows.saturating_add(2))
        .unwrap_or(area.height)
        .clamp(3, area.height.max(3))
        .min(area.height);
    let area = Rect::new(
        area.x + (area.width - width) / 2,
        area.y + (area.height - height) / 2,
        width,
        height,
    );
    let block = Block::bordered()
        .title(Line::styled(format!(" {title} "), model.setting.palette.strong()))
        .title_bottom(Line::styled(
            format!(" {} ", model.setting.texts.get(hint)),
            model.setting.palette.quiet(),
        ));
    let inside = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    inside
}

fn draw_switcher(model: &Model, switcher: &Switcher, area: Rect, frame: &mut Frame<'_>) {
    let (texts, palette) = (model.setting.texts, model.setting.palette);
    let offers = switcher.offers(&model.conversations);
    let rows = offers.len().max(1) + 1;
    let inside =
        frame_for(model, texts.get(Text::SwitcherTitle), Text::SwitcherHint, rows, area, frame);
    let width = usize::from(inside.width);
    let mut lines = vec![Line::from(vec![
        Span::styled("> ", palette.strong()),
        Span::raw(switcher.filter.clone()),
    ])];
    let room = usize::from(inside.height).saturating_sub(1);
    let first = (switcher.chosen + 1).saturating_sub(room);
    for (index, offer) in offers.iter().enumerate().skip(first).take(room) {
        let text = match offer {
            Offer::Known { name, unread: 0, .. } => plain::one_line(name),
            Offer::Known { name, unread, .. } => format!("{} ({unread})", plain::one_line(name)),
            Offer::New(user) => texts.with(Text::SwitcherNew, &[user.as_str()]),
        };
        let chosen = index == switcher.chosen;
        let style = if chosen { palette.chosen() } else { palette.text() };
        let marker = if chosen { "▌ " } else { "  " };
        lines.push(Line::styled(wrap::fit(&format!("{marker}{text}"), width), style));
    }
    if offers.is_empty() {
        lines.push(Line::styled(texts.get(Text::SwitcherNone), palette.quiet()));
    }
    frame.render_widget(Paragraph::new(lines), inside);
    let column = u16::try_from(wrap::width(&switcher.filter) + 2).unwrap_or(inside.width);
    frame.set_cursor_position(Position {
        x: inside.x + column.min(inside.width.saturating_sub(1)),
        y: inside.y,
    });
}

fn members_page(model: &Model, id: ConversationId, members: &[MemberState]) -> Page {
    let (texts, palette) = (model.setting.texts, model.setting.palette);
    let name = model.row(id).map_or_else(|| id.to_string(), |row| plain::one_line(&row.name()));
    let mut lines: Vec<Line<'static>> = members
        .iter()
        .map(|member| {
            let role = match member.role {
                Role::Owner => Text::RoleOwner,
                Role::Admin => Text::RoleAdmin,
                Role::Member => Text::RoleMember,
            };
            let user = plain::one_line(member.user.as_str());
            let name = match plain::one_line(&member.alias).as_str() {
                "" => user,
                alias => format!("{alias} ({user})"),
            };
            let mut marks = format!("  {}", texts.get(role));
            if member.muted_until > model.now.wall {
                marks = format!("{marks}  {}", texts.get(Text::MemberMuted));
            }
            Line::from(vec![
                Span::styled(name, palette.name(&member.user)),
                Span::styled(marks, palette.quiet()),
            ])
        })
        .collect();
    // Of a channel only some are shown.
    let counted = model.member_counts.get(&id).copied().unwrap_or_default();
    if let Some(more) = counted.checked_sub(members.len()).filter(|more| *more > 0) {
        let text = texts.with(Text::MoreMembers, &[&more.to_string()]);
        lines.push(Line::styled(text, palette.quiet()));
    }
    Page { title: texts.with(Text::MembersTitle, &[&name]), lines }
}

fn help(model: &Model, width: usize) -> Page {
    let (texts, palette) = (model.setting.texts, model.setting.palette);
    let mut lines: Vec<Line<'static>> = [
        Text::HelpKeysSend,
        Text::HelpKeysMove,
        Text::HelpKeysScroll,
        Text::HelpTo,
        Text::HelpEdit,
        Text::HelpReact,
        Text::HelpForward,
        Text::HelpForwardSeveral,
        Text::HelpAttach,
        Text::HelpOpen,
        Text::HelpReport,
        Text::HelpReportWhy,
        Text::HelpGroupCreate,
        Text::HelpGroupInvite,
        Text::HelpGroupKick,
        Text::HelpGroupLeave,
        Text::HelpGroupMembers,
        Text::HelpGroupIs,
        Text::HelpGroupMember,
        Text::HelpGroupJoin,
        Text::HelpContact,
        Text::HelpMine,
        Text::HelpForget,
        Text::HelpSettings,
        Text::HelpHistory,
        Text::HelpRetry,
        Text::HelpDelete,
        Text::HelpHelp,
        Text::HelpQuit,
    ]
    .into_iter()
    .flat_map(|text| wrap::wrap(texts.get(text), width))
    .map(Line::raw)
    .collect();
    lines.push(Line::styled(texts.get(Text::HelpSigns), palette.strong()));
    let mut signs: Vec<String> = states::legend()
        .iter()
        .filter_map(|(status, text)| {
            states::sign(status).map(|sign| format!("{} {}", sign.symbol, texts.get(*text)))
        })
        .collect();
    signs.extend([
        format!("{} {}", list::PINNED, texts.get(Text::SignPinned)),
        format!("{} {}", list::MUTED, texts.get(Text::SignMuted)),
        format!("{} {}", list::MENTIONS_ONLY, texts.get(Text::SignMentions)),
    ]);
    lines.extend(wrap::pack(&signs, width).into_iter().map(Line::raw));
    Page { title: texts.get(Text::HelpTitle).to_owned(), lines }
}

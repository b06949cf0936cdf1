//! Makes samples from the descriptors: every field set to something else than its default, every case of every choice at
//! least once.

use std::collections::BTreeSet;

use protox::prost_reflect::prost::Message as _;
use protox::prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor, Value,
};

use super::{Sample, descriptor};

/// A sample for each case of a side's frames, and for each case within that no earlier one has shown.
pub fn samples(side: &str) -> Vec<Sample> {
    let mut shown = BTreeSet::new();
    let variants = variants(&descriptor(side), &mut shown);
    variants
        .into_iter()
        .map(|(name, message)| Sample {
            name,
            text: message.to_text_format(),
            bytes: message.encode_to_vec(),
        })
        .collect()
}

/// A choice that a message makes, with each of its outcomes.
struct Choice {
    outcomes: Vec<(String, FieldDescriptor, Value)>,
}

/// The message in all its variants: first with the first outcome of every choice, then each other outcome once.
fn variants(of: &MessageDescriptor, shown: &mut BTreeSet<String>) -> Vec<(String, DynamicMessage)> {
    let first_time = shown.insert(of.full_name().to_owned());
    let mut choices: Vec<Choice> = Vec::new();
    let real = |oneof: &OneofDescriptor| !oneof.is_synthetic();
    for oneof in of.oneofs().filter(real) {
        let outcomes = oneof.fields().flat_map(|field| outcomes(&field, shown));
        choices.push(Choice { outcomes: outcomes.collect() });
    }
    for field in of.fields() {
        if field.containing_oneof().as_ref().is_none_or(|oneof| !real(oneof)) {
            choices.push(Choice { outcomes: outcomes(&field, shown) });
        }
    }
    let build = |varied: Option<(usize, usize)>| {
        let (mut message, mut name) = (DynamicMessage::new(of.clone()), String::new());
        for (index, choice) in choices.iter().enumerate() {
            let outcome = varied.filter(|(which, _)| *which == index).map_or(0, |(_, which)| which);
            let (path, field, value) = &choice.outcomes[outcome];
            message.set_field(field, value.clone());
            let tells = field.containing_oneof().as_ref().is_some_and(real);
            if tells && name.is_empty() || varied.is_some_and(|(which, _)| which == index) {
                name.clone_from(path);
            }
        }
        (name, message)
    };
    let mut all = vec![build(None)];
    if first_time {
        for (index, choice) in choices.iter().enumerate() {
            all.extend((1..choice.outcomes.len()).map(|outcome| build(Some((index, outcome)))));
        }
    }
    all
}

/// What a field may hold: a value of its own, or a message in its variants.
fn outcomes(
    field: &FieldDescriptor,
    shown: &mut BTreeSet<String>,
) -> Vec<(String, FieldDescriptor, Value)> {
    let whole = |value: Value| if field.is_list() { Value::List(vec![value]) } else { value };
    let named = |inner: &str| match inner {
        "" => field.name().to_owned(),
        inner => format!("{}.{inner}", field.name()),
    };
    if let Some(value) = needed(field) {
        return vec![(named(""), field.clone(), value)];
    }
    if let Kind::Message(message) = field.kind() {
        let variants = variants(&message, shown).into_iter();
        return variants
            .map(|(name, message)| (named(&name), field.clone(), whole(Value::Message(message))))
            .collect();
    }
    vec![(named(""), field.clone(), whole(plain(field)))]
}

/// Something else than the default, different for neighbours.
fn plain(field: &FieldDescriptor) -> Value {
    let (number, name) = (field.number(), field.name());
    match field.kind() {
        Kind::Bool => Value::Bool(true),
        Kind::String => Value::String(name.to_owned()),
        // As long as the id of a conversation.
        Kind::Bytes => Value::Bytes(format!("{name:.<16.16}").into_bytes().into()),
        Kind::Uint32 => Value::U32(200 + number),
        Kind::Uint64 => Value::U64(60_000_000_000 + u64::from(number)),
        Kind::Sint32 => Value::I32(-200 - number.cast_signed()),
        Kind::Sint64 => Value::I64(-200 - i64::from(number)),
        Kind::Enum(_) => Value::EnumNumber(1),
        other => panic!("{}: no sample of {other:?}", field.full_name()),
    }
}

/// Where a session looks at the value itself.
fn needed(field: &FieldDescriptor) -> Option<Value> {
    Some(match field.full_name() {
        "anser.v1.Hello.version_min" | "anser.v1.Hello.version_max" => Value::U32(1),
        "anser.v1.Welcome.version" | "anser.v1.Welcome.compression" => Value::U32(1),
        "anser.v1.Hello.compression" => Value::List(vec![Value::U32(1), Value::U32(2)]),
        // An empty frame of a kind that does not exist, in a block that deflate has only stored.
        "anser.v1.Compressed.bytes" => Value::U32(2),
        "anser.v1.Compressed.body" => Value::Bytes(b"\x01\x02\0\xfd\xff\x72\0"[..].into()),
        _ => return None,
    })
}

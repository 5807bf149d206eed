//! Values within values, for targets that bend files in JSON.

use serde_json::Value;

/// The value number `index` of all that are nested in this one; itself is number 0, and the count begins anew after the last.
pub fn inside(value: &mut Value, index: u16) -> &mut Value {
    let index = usize::from(index) % count(value);
    nth(value, index)
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(members) => members.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

fn nth(value: &mut Value, mut index: usize) -> &mut Value {
    if index == 0 {
        return value;
    }
    index -= 1;
    let members: Vec<&mut Value> = match value {
        Value::Array(members) => members.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => unreachable!("it has no members"),
    };
    for member in members {
        let size = count(member);
        if index < size {
            return nth(member, index);
        }
        index -= size;
    }
    unreachable!("it was counted")
}

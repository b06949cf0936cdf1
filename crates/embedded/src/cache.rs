//! A bounded cache of two generations: what is used again moves to the young one; when that is full the old one goes.

use std::collections::HashMap;
use std::hash::Hash;

/// A map that forgets what was not used lately.
#[derive(Debug)]
pub struct Cache<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    young_weight: usize,
    half: usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    /// Holds values of this weight together, at most.
    pub fn new(capacity: usize) -> Self {
        let half = (capacity / 2).max(1);
        Self { young: HashMap::new(), old: HashMap::new(), young_weight: 0, half }
    }

    /// The value, if it is still there.
    pub fn get(&mut self, key: &K) -> Option<V> {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (value, weight) = self.old.remove(key)?;
        self.insert_weighing(key.clone(), value.clone(), weight);
        Some(value)
    }

    /// Puts a value of weight 1.
    pub fn insert(&mut self, key: K, value: V) {
        self.insert_weighing(key, value, 1);
    }

    /// Puts a value.
    pub fn insert_weighing(&mut self, key: K, value: V, weight: usize) {
        if self.young_weight + weight > self.half {
            self.old = std::mem::take(&mut self.young);
            self.young_weight = 0;
        }
        self.old.remove(&key);
        self.young_weight += weight;
        if let Some((_, replaced)) = self.young.insert(key, (value, weight)) {
            self.young_weight -= replaced;
        }
    }
}

pub struct Table {
    rows: Vec<u64>,
}

impl Table {
    pub fn new(size: usize) -> Self {
        Self { rows: vec![0; size] }
    }

    #[track_caller]
    #[inline(never)]
    pub fn put(&mut self, key: usize, value: u64) {
        assert_ne!(value, u64::MAX, "not that one");
        let size = self.rows.len();
        self.rows[key % size] += value;
    }

    #[inline(never)]
    pub fn get(&self, at: usize) -> u64 {
        self.rows[at]
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }
}

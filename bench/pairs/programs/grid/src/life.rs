// Conway's game on a board without edges.
use kit::Dice;

pub const SIDE: usize = 64;
pub const ROWS: usize = 32;

pub struct Board {
    cells: Vec<u8>,
    next: Vec<u8>,
}

impl Board {
    pub fn new(dice: &mut Dice) -> Self {
        let cells = (0..ROWS * SIDE).map(|_| u8::from(dice.below(3) == 0)).collect();
        Board { cells, next: vec![0; ROWS * SIDE] }
    }

    pub fn cells(&self) -> &[u8] {
        &self.cells
    }

    #[inline(never)]
    pub fn step(&mut self) {
        for row in 0..ROWS {
            for column in 0..SIDE {
                let around = neighbours(&self.cells, row, column);
                let alive = self.cells[row * SIDE + column];
                self.next[row * SIDE + column] = u8::from(around == 3 || (alive == 1 && around == 2));
            }
        }
        std::mem::swap(&mut self.cells, &mut self.next);
    }
}

#[inline]
fn neighbours(cells: &[u8], row: usize, column: usize) -> u8 {
    let up = (row + ROWS - 1) % ROWS * SIDE;
    let down = (row + 1) % ROWS * SIDE;
    let here = row * SIDE;
    let west = (column + SIDE - 1) % SIDE;
    let east = (column + 1) % SIDE;
    cells[up + west] + cells[up + column] + cells[up + east] + cells[here + west] + cells[here + east]
        + cells[down + west] + cells[down + column] + cells[down + east]
}

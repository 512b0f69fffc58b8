// The shortest way through a maze, breadth first.
use std::collections::VecDeque;

use kit::Dice;

const SIDE: usize = 64;

pub struct Maze {
    walls: Vec<bool>,
}

impl Maze {
    pub fn new(dice: &mut Dice) -> Self {
        Maze { walls: (0..SIDE * SIDE).map(|_| dice.below(10) < 3).collect() }
    }

    #[inline(never)]
    pub fn distance(&self, start: usize) -> u64 {
        let mut far = vec![u16::MAX; SIDE * SIDE];
        let mut front = VecDeque::with_capacity(256);
        far[start] = 0;
        front.push_back(start);
        let mut most = 0;
        while let Some(place) = front.pop_front() {
            most = far[place];
            if most > 40 {
                break;
            }
            self.push_around(place, &mut far, &mut front);
        }
        u64::from(most) + front.len() as u64
    }

    #[inline(never)]
    fn push_around(&self, place: usize, far: &mut [u16], front: &mut VecDeque<usize>) {
        let next = far[place] + 1;
        let (row, column) = (place / SIDE, place % SIDE);
        let steps = [
            (row > 0, place.wrapping_sub(SIDE)),
            (row + 1 < SIDE, place + SIDE),
            (column > 0, place.wrapping_sub(1)),
            (column + 1 < SIDE, place + 1),
        ];
        for (inside, at) in steps {
            if inside && !self.walls[at] && far[at] == u16::MAX {
                far[at] = next;
                front.push_back(at);
            }
        }
    }
}

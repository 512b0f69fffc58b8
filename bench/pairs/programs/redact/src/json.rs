// Just enough of a JSON reader for one flat object a line.

#[derive(Default)]
pub struct Entry {
    pub time: u64,
    pub level: u64,
    pub code: u64,
    pub user: String,
    pub message: String,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

pub fn parse(line: &str) -> Option<Entry> {
    let mut reader = Reader { text: line.as_bytes(), at: 0 };
    let mut entry = Entry::default();
    reader.skip_blanks();
    reader.expect(b'{')?;
    loop {
        reader.skip_blanks();
        let key = reader.key()?;
        reader.skip_blanks();
        reader.expect(b':')?;
        reader.skip_blanks();
        match key {
            b"time" => entry.time = reader.number()?,
            b"level" => entry.level = reader.number()?,
            b"code" => entry.code = reader.number()?,
            b"user" => entry.user = reader.string()?,
            b"msg" => entry.message = reader.string()?,
            _ => return None,
        }
        reader.skip_blanks();
        match reader.take()? {
            b',' => {}
            b'}' => return Some(entry),
            _ => return None,
        }
    }
}

impl<'a> Reader<'a> {
    #[inline]
    fn take(&mut self) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.take()? == wanted).then_some(())
    }

    fn skip_blanks(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn key(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let begin = self.at;
        while self.take()? != b'"' {}
        Some(&self.text[begin..self.at - 1])
    }

    #[inline(never)]
    fn number(&mut self) -> Option<u64> {
        let begin = self.at;
        let mut value = 0u64;
        while let Some(digit @ b'0'..=b'9') = self.text.get(self.at) {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        (self.at > begin).then_some(value)
    }

    #[inline(never)]
    fn string(&mut self) -> Option<String> {
        self.expect(b'"')?;
        let mut found = Vec::with_capacity(32);
        loop {
            match self.take()? {
                b'"' => return String::from_utf8(found).ok(),
                b'\\' => self.unescape(&mut found)?,
                byte => found.push(byte),
            }
        }
    }

    #[inline(never)]
    fn unescape(&mut self, found: &mut Vec<u8>) -> Option<()> {
        let letter = self.take()?;
        match letter {
            b'n' => found.push(b'\n'),
            b't' => found.push(b'\t'),
            b'"' | b'\\' | b'/' => found.push(letter),
            b'u' => {
                let mut code = 0;
                for _ in 0..4 {
                    code = code * 16 + (self.take()? as char).to_digit(16)?;
                }
                let mut room = [0; 4];
                let letter = char::from_u32(code)?;
                found.extend_from_slice(letter.encode_utf8(&mut room).as_bytes());
            }
            _ => return None,
        }
        Some(())
    }
}

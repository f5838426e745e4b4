// Times the typed layer on IndexedDB against IndexedDB as one writes it by hand, in this page, round by round.
import init, { Bench } from "./places.js";

const RECORDS = 10_000;
const GETS = 1_000;
const TRANSACTIONS = 100;

// As `record` in `bench.rs` makes it.
function record(id) {
  const letter = (shift) => String.fromCharCode(65 + ((id >>> shift) % 26));
  return {
    id,
    name: `Place number ${(Math.imul(id, 7919) >>> 0) % 10_007}`,
    country: letter(0) + letter(5),
    population: (Math.imul(id, 31) >>> 0) % 1_000_003,
    latitude: (id % 180) - 90 + 0.25,
    longitude: (id % 360) - 180 + 0.25,
  };
}

const settled = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const ended = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = resolve;
  transaction.onabort = () => reject(transaction.error);
});

const sum = (records) => records.reduce((total, record) => total + record.population, 0);

class ByHand {
  static async open(name) {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      const store = request.result.createObjectStore("records", { keyPath: "id" });
      store.createIndex("name", "name");
      store.createIndex("country", "country");
    };
    const side = new ByHand();
    side.database = await settled(request);
    return side;
  }

  async write(count) {
    const transaction = this.database.transaction("records", "readwrite", { durability: "strict" });
    const store = transaction.objectStore("records");
    for (let id = 0; id < count; id += 1) store.put(record(id));
    await ended(transaction);
    return count;
  }

  async scan() {
    return sum(await settled(this.database.transaction("records").objectStore("records").getAll()));
  }

  async gets(ids) {
    const store = this.database.transaction("records").objectStore("records");
    return sum(await Promise.all(Array.from(ids, (id) => settled(store.get(id)))));
  }

  async puts(ids) {
    for (const id of ids) {
      const transaction = this.database.transaction("records", "readwrite", { durability: "strict" });
      const changed = record(id);
      changed.population += 1;
      transaction.objectStore("records").put(changed);
      await ended(transaction);
    }
    return ids.length;
  }

  async single_gets(ids) {
    const found = [];
    for (const id of ids) {
      found.push(await settled(this.database.transaction("records").objectStore("records").get(id)));
    }
    return sum(found);
  }

  close() {
    this.database.close();
  }
}

async function timed(work) {
  const start = performance.now();
  const result = await work();
  return { time: performance.now() - start, result };
}

async function round(side, name, ids) {
  await settled(indexedDB.deleteDatabase(name));
  const database = await side.open(name);
  const steps = {
    write: await timed(() => database.write(RECORDS)),
    scan: await timed(() => database.scan()),
    gets: await timed(() => database.gets(ids)),
    puts: await timed(() => database.puts(ids.slice(0, TRANSACTIONS))),
    single_gets: await timed(() => database.single_gets(ids.slice(0, TRANSACTIONS))),
  };
  database.close();
  await settled(indexedDB.deleteDatabase(name));
  return steps;
}

// The times of `rounds` rounds in milliseconds, after one that is not counted; both sides have to read the same.
export async function run(rounds) {
  await init();
  const times = { write: [], scan: [], gets: [], puts: [], single_gets: [] };
  for (let number = 0; number <= rounds; number += 1) {
    const ids = Uint32Array.from({ length: GETS }, () => Math.floor(Math.random() * RECORDS));
    const sides = [["typed", Bench, "bench-typed"], ["hand", ByHand, "bench-hand"]];
    if (number % 2) sides.reverse();
    const steps = {};
    for (const [key, side, name] of sides) steps[key] = await round(side, name, ids);
    for (const step of Object.keys(times)) {
      const { typed, hand } = { typed: steps.typed[step], hand: steps.hand[step] };
      if (typed.result !== hand.result) throw new Error(`${step}: ${typed.result} instead of ${hand.result}`);
      if (number > 0) times[step].push({ typed: typed.time, hand: hand.time });
    }
  }
  return times;
}

window.run = run;

// Makes every `Date` of this process run ahead of the machine's clock, or behind it.
module.exports = function shiftClock(seconds) {
  if (!seconds) return;
  const MachineDate = Date;
  globalThis.Date = class extends MachineDate {
    constructor(...fields) {
      super(...(fields.length ? fields : [MachineDate.now() + seconds * 1000]));
    }

    static now() {
      return MachineDate.now() + seconds * 1000;
    }
  };
};

import { REQUIRED } from '../events/event-field.decorators.js';
import { TrackEventDto } from '../events/track-event.dto.js';
import { ObjectValidator } from '../events/object.validator.js';

const rules = new ObjectValidator(TrackEventDto, REQUIRED);

/** Whether an event may have this value in this field, by the rules that hold for every event. */
export function isAcceptable(field: keyof TrackEventDto, value: string): boolean {
  return !rules.validate({ [field]: value }).some((error) => error.field === field);
}

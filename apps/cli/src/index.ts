export { type AllSettings, allGroups } from './all-settings.ts';

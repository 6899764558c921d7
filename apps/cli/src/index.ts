export { type AllSettings, allGroups, allSettingNames } from './all-settings.ts';

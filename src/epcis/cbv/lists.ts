/** The standard values of CBV 2.0 (epcis-2.0.md §13.1 to 13.8), by the vocabulary they stand in. */
export const CBV_LISTS = {
  bizStep: words(`accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting decommissioning
    departing destroying disassembling dispensing encoding entering_exiting holding inspecting installing killing loading other packing picking
    receiving removing repackaging repairing replacing reserving retail_selling sampling sensor_reporting shipping staging_outbound stock_taking
    stocking storing transporting unloading unpacking void_shipping`),
  disposition:
    words(`active available completeness_inferred completeness_verified conformant container_closed container_open damaged destroyed
    dispensed disposed encoded expired in_progress in_transit inactive mismatch_class mismatch_instance mismatch_quantity needs_replacement
    no_pedigree_match non_conformant non_sellable_other partially_dispensed recalled reserved retail_sold returned sellable_accessible
    sellable_not_accessible stolen unavailable unknown`),
  bizTransactionType: words('bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt'),
  sourceDestType: words('owning_party possessing_party location'),
  errorReason: words('did_not_occur incorrect_data'),
  component: words(
    `x y z axial_distance azimuth height spherical_radius polar_angle elevation_angle easting northing latitude longitude altitude`,
  ),
  measurementType: words(`AbsoluteHumidity AbsorbedDose AbsorbedDoseRate Acceleration Radioactivity Altitude AmountOfSubstance
    AmountOfSubstancePerUnitVolume Angle AngularAcceleration AngularMomentum AngularVelocity Area Capacitance Conductance Conductivity Count
    Density Dimensionless DoseEquivalent DoseEquivalentRate DynamicViscosity ElectricCharge ElectricCurrent ElectricCurrentDensity
    ElectricFieldStrength Energy Exposure Force Frequency Illuminance Inductance Irradiance KinematicViscosity Length LinearMomentum Luminance
    LuminousFlux LuminousIntensity MagneticFlux MagneticFluxDensity MagneticVectorPotential Mass MassConcentration MassFlowRate MassPerAreaTime
    MemoryCapacity MolalityOfSolute MolarEnergy MolarMass MolarVolume Power Pressure RadiantFlux RadiantIntensity RelativeHumidity Resistance
    Resistivity SolidAngle SpecificVolume Speed SurfaceDensity SurfaceTension Temperature Time Torque Voltage Volume VolumeFlowRate VolumeFraction
    VolumetricFlux Wavenumber`),
  sensorAlert: words('ALARM_CONDITION ERROR_CONDITION'),
} as const satisfies Record<string, ReadonlySet<string>>;

export type VocabularyKind = keyof typeof CBV_LISTS;

/** How a vocabulary's standard values are spelled as URIs (epcis-2.0.md §3.1); `urn` is null where there is no URN form. */
export const CBV_SPELLINGS: Readonly<Record<VocabularyKind, { readonly urn: string | null; readonly web: string; readonly name: string }>> =
  {
    bizStep: { urn: 'urn:epcglobal:cbv:bizstep:', web: 'https://ref.gs1.org/cbv/BizStep-', name: 'business step' },
    disposition: { urn: 'urn:epcglobal:cbv:disp:', web: 'https://ref.gs1.org/cbv/Disp-', name: 'disposition' },
    bizTransactionType: { urn: 'urn:epcglobal:cbv:btt:', web: 'https://ref.gs1.org/cbv/BTT-', name: 'business transaction type' },
    sourceDestType: { urn: 'urn:epcglobal:cbv:sdt:', web: 'https://ref.gs1.org/cbv/SDT-', name: 'source or destination type' },
    errorReason: { urn: 'urn:epcglobal:cbv:er:', web: 'https://ref.gs1.org/cbv/ER-', name: 'error reason' },
    component: { urn: null, web: 'https://ref.gs1.org/cbv/Comp-', name: 'component' },
    measurementType: { urn: null, web: 'https://gs1.org/voc/', name: 'measurement type' },
    sensorAlert: { urn: null, web: 'https://gs1.org/voc/', name: 'sensor alert' },
  };

/**
 * Values of CBV 1.x that 2.0 dropped, with what took their place (V-5). From 1.x XML they are kept as URIs; in JSON they are refused like any
 * word that is not in the list, and the refusal names the replacement.
 */
export const CBV_DEPRECATED: Readonly<Partial<Record<VocabularyKind, ReadonlyMap<string, string | null>>>> = {
  bizStep: new Map([['transforming', null]]),
  disposition: new Map(['expired', 'damaged', 'disposed', 'no_pedigree_match', 'recalled'].map((word) => [`non_sellable_${word}`, word])),
};

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}

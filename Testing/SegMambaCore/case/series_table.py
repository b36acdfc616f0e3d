"""What series are called on scanners, in archives and on people's disks, and what they are.

Composed by hand in the spellings of Siemens, GE, Philips, Canon, public collections and hospitals that write
English, German or French. Left: what the series is. T1, T1+ (after contrast agent), T1- (its name says: without),
T2, T2+, FLAIR, FLAIR+; "none": not one of the four; "?": cannot be told from this.
"""

NAMES = """
T1      BraTS2021_00002_t1
T1+     BraTS2021_00002_t1ce
T2      BraTS2021_00002_t2
FLAIR   BraTS2021_00002_flair
none    BraTS2021_00002_seg
T1-     BraTS-GLI-00000-000-t1n
T1+     BraTS-GLI-00000-000-t1c
T2      BraTS-GLI-00000-000-t2w
FLAIR   BraTS-GLI-00000-000-t2f
none    BraTS-GLI-00000-000-seg
T1      Brats18_TCIA13_623_1_t1
T1+     Brats17_CBICA_ASK_1_t1ce
T1      sub-01_T1w
T1+     sub-01_ses-2_ce-gadolinium_T1w
T2      sub-07_ses-postop_T2w
FLAIR   sub-01_acq-3D_FLAIR
none    sub-01_T2starw
none    sub-01_ses-1_dwi
T1+     UPENN-GBM-00001_11_T1GD
FLAIR   UPENN-GBM-00001_11_FLAIR
none    UPENN-GBM-00001_11_DTI_FA
T1+     UCSF-PDGM-0004_T1c
T1+     UCSF-PDGM-0004_T1c_bias
none    UCSF-PDGM-0004_brain_segmentation
none    UCSF-PDGM-0004_SWI
none    UCSF-PDGM-0004_ADC
none    UCSF-PDGM-0004_ASL
T1+     TCGA-02-0006_1996.08.23_t1Gd
none    TCGA-02-0006_1996.08.23_GlistrBoost
T1      t1_mprage_sag_p2_iso
T1+     t1_mprage_sag_p2_iso_KM
T1+     t1_mprage_tra_KM_MPR_cor
T1      5: t1_mprage_tra
T1      t1_se_tra
T1+     t1_se_tra_KM
T1+     t1_se_tra_post KM
T1      t1_tse_dark-fluid
T1      t1_tirm_tra_dark-fluid_320
T1      t1_fl2d_tra
T1      t1_fl3d_sag_iso
T1+     t1_vibe_fs_tra_gd
T1      t1_space_sag_p2_iso
T1+     t1_space_sag_iso_KM
T2      t2_tse_tra_512
T2      t2_tse_tra_p2_448
T2      t2_blade_tra
T2      t2_space_sag_p2_iso
FLAIR   t2_tirm_tra_dark-fluid_p2
FLAIR   t2_space_dark-fluid_sag_p2_iso
FLAIR   t2_spc_da-fl_sag_p2_iso
FLAIR   t2_spc_ir_sag_dark-fluid
FLAIR   t2_spc_ir_sag_iso
FLAIR+  t2_space_dark-fluid_KM
?       t2_tirm_cor
none    t2_fl2d_tra_hemo
none    t2_*_gre_tra
none    t2star_fl2d_tra
none    T2*_GRE
none    ep2d_diff_3scan_trace_p2_TRACEW
none    ep2d_diff_3scan_trace_p2_ADC
none    ep2d_diff_mddw_20_FA
none    ep2d_perf_p2
none    ep2d_bold_moco
none    resolve_4scan_trace_tra_192
none    relCBF
none    SWI_Images
none    Pha_Images
none    mIP_Images(SW)
none    swi_tra
none    localizer
none    AAHead_Scout
none    AAHead_Scout_MPR_sag
none    TOF_3D_multi-slab
none    tof_MIP_tra
none    Phoenix Zip Report
none    t1_mprage_sub
T1      Ax T1
T1      AX T1 SE
T1+     5: AX T1 SE POST
T1+     AX T1 +C
T1+     Ax T1 + C
T1+     AX T1+GD
T1+     T1 AX POST GAD
T1+     SAG T1 POST-CONTRAST
T1+     COR T1 FS +C
T1      Ax T1 FLAIR
T1+     Ax T1 FLAIR +C
T1      T1 FLAIR
T1      Sag T1 FLAIR PROPELLER
T2      Ax T2 PROPELLER
T2      AX T2 FSE
T2      Ax T2 FRFSE FS
FLAIR   AX T2 FLAIR
FLAIR   Ax FLAIR
FLAIR   SAG CUBE T2 FLAIR
FLAIR   Sag T2 FLAIR CUBE FS
T2      SAG CUBE T2
T1      Sag CUBE T1
T1+     Sag CUBE T1 +C
FLAIR+  T2 FLAIR +C
FLAIR+  FLAIR post Gd
FLAIR+  Sag FLAIR CUBE POST
T1      AX 3D BRAVO
T1+     BRAVO+C
T1+     AX BRAVO POST
T1      3D FSPGR
T1+     AX FSPGR 3D +C
T1+     Ax SPGR C+
T1-     AX T1 C-
?       AX T1 -C
none    3-Plane Loc SSFSE
none    3 PLANE LOC
none    ASSET calibration
none    Ax DWI b1000
none    AX DWI 1000b
none    DWI b0 T2
none    Apparent Diffusion Coefficient (mm2/s)
none    Fractional Aniso. : Ax DTI
none    Ax SWAN
none    FILT_PHA: Ax SWAN
none    AX T2* GRE
none    Ax GRE T2
none    Ax MERGE T2
none    Perfusion AX
none    AX 3D ASL
none    3D TOF
none    Screen Save
none    Dose Report
none    AX T1 SUB
none    AX T2 IAC FIESTA
none    Cor STIR
none    Ax FIESTA-C
none    NOT DIAGNOSTIC: AX DWI
T1      T1W_SE
T1      sT1W_3D_TFE
T1+     sT1W_3D_TFE_GD
T1      T1W_3D_TFE SENSE
T1+     T1W_TSE_TRA_GADO
T1+     3D T1 TFE CE
T1      3D TFE
T1      T1W_IR_TSE
T2      T2W_TSE
T2      T2W_TSE_TRA CLEAR
T2      T2W_3D_VISTA
none    T2W_FFE
FLAIR   FLAIR_longTR
FLAIR   T2W_FLAIR_SPAIR
FLAIR   3D_Brain_VIEW_FLAIR_SHC
FLAIR   3D FLAIR VISTA
FLAIR+  3D FLAIR GD
?       3D_BrainVIEW
none    Survey_SHC
none    SmartBrain
none    DWI_3b
none    dADC
none    SWIp
none    T2_3D_DRIVE
none    sDYN FFE PERF
none    MIP - 3D PCA
T1      3D T1 MPRAGE
T1+     3D_T1_post
T1+     3D T1 GADO
T1+     T1 3D injecté
T1+     T1 EG 3D APRES INJECTION
T1-     T1 SANS INJECTION
T1-     3D T1 sans gado
T1-     T1 avant injection
T1+     AX T1 IV+ GADO
T1-     T1 nativ
T1-     T1 tra nativ
T1-     T1 ohne KM
T1-     T1 ohne i.v. KM
T1+     T1 mit KM
T1+     T1 nach KM
T1+     T1 tra FS mit KM
T1+     MPRAGE nach Gadovist
T1-     MPRAGE vor KM
T1-     T1 pre contrast
T1-     T1 PRE-GAD
T1-     T1 without contrast
T1-     T1 w/o
T1-     T1 W/O CONTRAST
T1-     T1 NON-CONTRAST
T1-     T1 unenhanced
T1+     T1 with contrast
T1+     T1 W/ GD
T1+     T1 contrast-enhanced
T1+     CE-T1
T1+     T1CE
T1+     T1+C
T1+     t1_c
T1+     T1-C
T1+     T1+
T1+     T1 post
T1+     T1Gd
T1+     T1w Gd
T1+     AxT1PostGd
T1+     AXT1POSTGD
T1      SagT1MPRAGE
T1      MPRAGE
T1      MP-RAGE
T1      mprage iso 1mm
T1+     MPRAGE post
T1      T1 post op
T1      T1 postop
T2      T2 pre-op
?       T1 W/WO
?       T1 W/WO CONTRAST
?       T1 with and without Gd
?       T1 pre and post
?       SPACE
?       SAG 3D CUBE
?       PD/T2 TSE
?       PD_TSE
?       T1/T2 dual
?       Series 5
?       501
?       Unnamed
T2      T2
T2      T2-TSE
T2+     T2 post KM
FLAIR   FLAIR
FLAIR   T2-FLAIR
FLAIR   t2flair
FLAIR   anna_fla
FLAIR   fluid-attenuated 3D
FLAIR   FLAIR non fs
none    T1 map
none    T1map
none    brainmask_t1c
none    t2_label
none    T1 C-SPINE
none    T2 HWS sag
none    T1 Orbita FS KM
none    t1_hypophyse_cor_dyn
none    T2 HASTE
none    Subtraction T1
T1      sub01_T1
T1+     sub_12_t1ce
T1+     CT1
T1+     cT1
none    T1sub
T1+     AX T1 POST GD
?       AX T1-T2 FLAIR POST
T1+     AX GAD FSPGR
T1      3D SPGR IR PREPPED
T1      AXIAL SPGR
T1+     FSPGR 3D POST GAD
T2      AX T2 FSE FAT SAT
FLAIR   AX FLAIR FSEIR
none    AX T2 GRADIENT ECHO
none    T2 EG
none    T2 étoile
T1+     AX T1 MTC POST GAD
T1-     AX T1 NONCON
T1      T1 MEMPRAGE
T1+     AX T1 MP RAGE POST GAD_S3_DIS3D
FLAIR   FLAIR_SPACE
FLAIR   3D FLAIR SAG FS REFORMAT
T1      T1_brain
T1      T1_to_MNI
T1+     T1post_reg
T1+     t1_postcontrast
T1+     T1 dopo mdc
T1-     T1 sin contraste
T1+     T1 post_contrast_pre_op
T1+     Ax T1 3D BRAVO STEALTH +C
T1      WATER: AXT1 DIXON
none    opp phase: AX T1
none    CBV map
none    MR Spectroscopy SVS
"""

_MPRAGE = {"EchoTime": "2.98", "RepetitionTime": "2300", "InversionTime": "900", "ScanningSequence": "GR\\IR"}
_SPIN_ECHO_T1 = {"EchoTime": "9", "RepetitionTime": "550", "ScanningSequence": "SE"}
_T2 = {"EchoTime": "95", "RepetitionTime": "4500", "ScanningSequence": "SE"}
_SPACE_T2 = {"EchoTime": "408", "RepetitionTime": "3200", "InversionTime": "0", "ScanningSequence": "SE"}
_FLAIR = {"EchoTime": "120", "RepetitionTime": "9000", "InversionTime": "2500", "ScanningSequence": "SE\\IR"}
_FLAIR_3D = {"EchoTime": "388", "RepetitionTime": "5000", "InversionTime": "1800", "MRAcquisitionType": "3D"}
_T1_FLAIR = {"EchoTime": "25", "RepetitionTime": "2500", "InversionTime": "860", "ScanningSequence": "SE\\IR"}
_BRAVO = {"EchoTime": "3.2", "RepetitionTime": "8.2", "InversionTime": "450", "ScanningSequence": "GR"}
_GADO = {"ContrastBolusAgent": "Gadovist"}

HEADERS: list[tuple[str, dict[str, str]]] = [
    ("T1", {"SeriesDescription": "t1_mprage_sag", **_MPRAGE}),
    ("T1+", {"SeriesDescription": "t1_mprage_sag", **_MPRAGE, **_GADO}),
    ("T1+", {"SeriesDescription": "MPRAGE", **_GADO}),
    ("T1", {"SeriesDescription": "MPRAGE", "ContrastBolusAgent": "NO"}),
    ("?", {"SeriesDescription": "T1 nativ", **_SPIN_ECHO_T1, **_GADO}),
    ("T1+", {"SeriesDescription": "T1 post", **_SPIN_ECHO_T1, **_GADO}),
    ("T1", {"SeriesDescription": "Head 3D", **_MPRAGE}),
    ("T1", {"SeriesDescription": "AX", **_SPIN_ECHO_T1}),
    ("T1", {"SeriesDescription": "Ax 3D", **_BRAVO}),
    ("T1", {"SeriesDescription": "AX FLAIR T1", **_T1_FLAIR}),
    ("?", {"SeriesDescription": "AX FLAIR", **_T1_FLAIR}),
    ("?", {"SeriesDescription": "AX T1", **_T2}),
    ("?", {"SeriesDescription": "AX T2", **_SPIN_ECHO_T1}),
    ("T2", {"SeriesDescription": "AX", **_T2}),
    ("T2", {"SeriesDescription": "AX T2", **_T2, **_GADO}),
    ("T2", {"SeriesDescription": "SPACE sag", **_SPACE_T2}),
    ("FLAIR", {"SeriesDescription": "SPACE sag", **_FLAIR_3D}),
    ("T1", {"SeriesDescription": "SPACE sag", "EchoTime": "11", "RepetitionTime": "600", "ScanningSequence": "SE"}),
    ("FLAIR", {"SeriesDescription": "CUBE", **_FLAIR_3D}),
    ("FLAIR", {"SeriesDescription": "dark fluid", **_FLAIR}),
    ("FLAIR", {"SeriesDescription": "AX FLAIR", **_FLAIR, **_GADO}),
    ("FLAIR", {"SeriesDescription": "AX T2", **_FLAIR}),
    ("FLAIR", {"SeriesDescription": "FLAIR", **_T2}),
    ("FLAIR", {"SeriesDescription": "t2_tirm_tra", **_FLAIR}),
    ("?", {"SeriesDescription": "t2_tirm_tra", "EchoTime": "60", "RepetitionTime": "5000", "InversionTime": "150"}),
    ("?", {"SeriesDescription": "AX", "EchoTime": "15", "RepetitionTime": "3000"}),
    ("?", {"SeriesDescription": "AX", "EchoTime": "20", "RepetitionTime": "600", "ScanningSequence": "GR"}),
    ("T1", {"SeriesDescription": "", "ProtocolName": "T1W_3D_TFE"}),
    ("?", {"SeriesDescription": "", "ProtocolName": "BRAIN W/WO"}),
    ("T1", {"SeriesDescription": "AX T1", "ProtocolName": "BRAIN TUMOR W/WO CONTRAST"}),
    ("T2", {"SeriesDescription": "AX T2", "ProtocolName": "t1_mprage_KM"}),
    ("none", {"SeriesDescription": "AX", "Modality": "CT"}),
    ("none", {"SeriesDescription": "AX T2", **_T2, "ImageType": "DERIVED\\PRIMARY\\DIFFUSION\\ADC"}),
    ("none", {"SeriesDescription": "AX T1", "ImageType": "DERIVED\\SECONDARY\\SUBTRACT"}),
    ("none", {"SeriesDescription": "AX T1", "ImageType": "DERIVED\\SECONDARY\\PROJECTION IMAGE"}),
    ("none", {"SeriesDescription": "AX", "ImageType": "ORIGINAL\\PRIMARY\\LOCALIZER"}),
    ("none", {"SeriesDescription": "AX", "ImageType": "ORIGINAL\\PRIMARY\\P\\ND"}),
    ("none", {"SeriesDescription": "T2 ax", "SequenceName": "*ep_b1000#1"}),
    ("none", {"SeriesDescription": "tra", "SequenceName": "epfid2d1_128"}),
    ("none", {"SeriesDescription": "T2", "ScanningSequence": "EP\\SE", "EchoTime": "90", "RepetitionTime": "6000"}),
    ("T1", {"SeriesDescription": "t1_mprage_sag", **_MPRAGE, "ImageType": "ORIGINAL\\PRIMARY\\M\\ND\\NORM"}),
    ("T1", {"SeriesDescription": "AX T1", "EchoTime": "not a number", "RepetitionTime": ""}),
]  # fmt: skip
"""The same with DICOM attributes, by keyword."""


def named() -> list[tuple[str, str]]:
    """Return (what it is, name) of each line of the table."""
    pairs = (line.split(maxsplit=1) for line in NAMES.strip().splitlines())
    return [(what, name) for what, name in pairs]

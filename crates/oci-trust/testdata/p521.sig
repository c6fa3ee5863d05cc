0‡BŒû¨¢ŒC-ˆ‹)˜qiÁMOýªzøp¡D»µUÄÊn@±ïi:_UW(ìnjÅ»6&¤SˆÃì€„p^*.Â[‘•Ó9
AG‘`ÖÜ]K^p¬ýR&Ò‚Ç‡ gpT[á }E’E$ïezSŒiPE:O’7ÀÉðó1E
‹CvU`A